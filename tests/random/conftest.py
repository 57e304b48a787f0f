"""The draws have their types checked too, where this folder's tests are what imports them."""

from jaxtyping import install_import_hook

install_import_hook("mcollapse.random", "beartype.beartype")
