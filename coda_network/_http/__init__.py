"""http.client's classes, made whole: the engine behind ``coda_network.httplib`` and the patch.

Every method here is bound twice: by subclassing (``coda_network.httplib``) and in place on http.client's own classes
(``coda_network._patch``). So none uses the zero-argument ``super()``, every attribute of ours has a default on the
class, and what is called of the standard library was looked up before anybody could patch it.
"""
