"""Real data: loaders of files that the user has, and small texts that ship with Python."""

from mcollapse.datasets.tables import Table as Table
from mcollapse.datasets.tables import read_table as read_table
from mcollapse.datasets.text import Corpus as Corpus
from mcollapse.datasets.text import help_topics as help_topics
from mcollapse.datasets.text import read_text as read_text
