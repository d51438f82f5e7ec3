"""A backward that is called outside: ``history`` (the node of a result) and ``backward_list`` (what that node runs)."""
