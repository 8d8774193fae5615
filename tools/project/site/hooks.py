# SPDX-License-Identifier: MIT
"""What mkdocs is told in code: pages from outside of docs/, headings as GitHub names them, and no foreign host."""

import re
import shutil
from pathlib import Path

from mkdocs.structure.files import File
from pymdownx.slugs import slugify
from pymdownx.superfences import fence_code_format

from tools.project.site import places

PACKAGES = places.FOLDER / "node_modules"
# What a page runs in the browser, from npm: {its place in the site: its file}.
SCRIPTS = {
    "assets/scripts/mermaid.js": "@mermaid-js/tiny/dist/mermaid.tiny.js",
    "assets/scripts/iframe-worker.js": "iframe-worker/shim/index.js",
}
MERMAID, WORKER = SCRIPTS
STYLE = "assets/site.css"
# The theme colours the heads of arrows by a name that mermaid 11 has; with 12 they are black, on black too.
HEADS = "defs #statediagram-barbEnd{", "defs [id*=barbEnd] path{fill:var(--md-mermaid-edge-color);"
_DIAGRAM = re.compile(r'<pre class="mermaid">.*?</pre>', re.S)
_MANY = 30  # lines of a diagram that would not be read in the width of a page


def on_config(config):
    """Set what a mkdocs.yml that any reader of YAML reads cannot say."""
    config.mdx_configs.setdefault("toc", {})["slugify"] = slugify(case="lower")
    fence = {"name": "mermaid", "class": "mermaid", "format": fence_code_format}
    config.mdx_configs["pymdownx.superfences"] = {"custom_fences": [fence]}
    # The plugin `offline` would name a foreign host for it.
    config.extra["polyfills"] = [WORKER]
    config.extra_css.append(STYLE)
    return config


def on_files(files, config):
    """Add the pages that lie outside of docs/."""
    for page, (path, text) in places.pages().items():
        if Path(page).suffix == ".md":
            files.append(File.generated(config, page, content=places.moved(path, text)))
        else:
            files.append(File.generated(config, page, abs_src_path=str(places.ROOT / path)))
    files.append(File.generated(config, STYLE, abs_src_path=str(places.FOLDER / "site.css")))
    return files


def on_page_markdown(markdown, page, config, files):
    """Lead the links of the pages of docs/ to the pages of the site."""
    if page.file.generated_by:
        return markdown
    return places.moved(f"docs/{page.file.src_uri}", markdown)


def on_post_page(output, page, config):
    """Load the script of the diagrams where there is one, before the theme, which would load it from elsewhere. A large
    one gets its own width, to be scrolled."""
    if '<pre class="mermaid">' not in output:
        return output
    output = _DIAGRAM.sub(_wide, output)
    depth = "../" * page.url.count("/")
    return output.replace("</head>", f'<script src="{depth}{MERMAID}"></script></head>', 1)


def _wide(diagram):
    if diagram[0].count("\n") <= _MANY:
        return diagram[0]
    return f'<div class="wide" tabindex="0" role="region" aria-label="Diagram">{diagram[0]}</div>'


def on_post_build(config):
    """Bring the scripts. Take addresses of foreign hosts, which nothing here needs, out of that of the theme, and
    have it find the heads of arrows."""
    site = Path(config.site_dir)
    for place, package in SCRIPTS.items():
        (site / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PACKAGES / package, site / place)
    for source_map in site.rglob("*.map"):
        source_map.unlink()
    for script in site.glob("assets/javascripts/bundle.*.js"):
        text = re.sub(r'"https://[^"]*"', '""', script.read_text())
        script.write_text(text.replace(*HEADS))
