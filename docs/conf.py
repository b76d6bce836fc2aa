"""How Sphinx builds the site; ``python -m fixtures.site OUT`` calls it on a folder that has all the pages."""

from __future__ import annotations

import ocivalidate

project = "ocivalidate"
author = "the maintainers of ocivalidate"
version = release = ocivalidate.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "fixtures.site.extension"]
root_doc = "index"
nitpicky = True
# Types of the standard library and of others, which have no page here.
nitpick_ignore_regex = [("py:.*", r"(?!ocivalidate).*")]

html_theme = "furo"
html_title = f"ocivalidate {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_use_index = False
html_domain_indices = False
html_show_copyright = False
html_show_sphinx = False
# A page that is read from the disk may not fetch others.
html_show_search_summary = False
# Words of commands and of JSON are told as they are written.
smartquotes = False
pygments_style = "friendly"
pygments_dark_style = "monokai"

# As GitHub makes them.
myst_heading_anchors = 6
myst_links_external_new_tab = False
suppress_warnings = ["misc.highlighting_failure"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_class_signature = "mixed"
