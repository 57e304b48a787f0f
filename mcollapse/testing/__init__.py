"""Conformance: does a family, a source, a pool or an estimator of your own keep its contract?

```python
from mcollapse import testing

def test_my_family():
    testing.check_family(MyFamily(), MyFamily.Params(0.3))
    testing.check_process(mc.RecursiveTraining(family=MyFamily(), sizes=50), MyFamily.Params(0.3))
```

Each check is a plain function that raises `ConformanceError`, an `AssertionError` that says which clause of
the contract does not hold. The package's own parts pass through the same checks.
"""

from mcollapse.testing.errors import ConformanceError as ConformanceError
from mcollapse.testing.families import check_family as check_family
from mcollapse.testing.parts import check_estimator as check_estimator
from mcollapse.testing.parts import check_pool as check_pool
from mcollapse.testing.parts import check_source as check_source
from mcollapse.testing.processes import check_process as check_process
