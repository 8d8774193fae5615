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
    """Load the script of the diagrams where there is one, before the theme, which would load it from elsewhere."""
    if '<pre class="mermaid">' not in output:
        return output
    depth = "../" * page.url.count("/")
    return output.replace("</head>", f'<script src="{depth}{MERMAID}"></script></head>', 1)


def on_post_build(config):
    """Bring the scripts, and take addresses of foreign hosts, which nothing here needs, out of that of the theme."""
    site = Path(config.site_dir)
    for place, package in SCRIPTS.items():
        (site / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PACKAGES / package, site / place)
    for source_map in site.rglob("*.map"):
        source_map.unlink()
    for script in site.glob("assets/javascripts/bundle.*.js"):
        script.write_text(re.sub(r'"https://unpkg\.com/[^"]*"', '""', script.read_text()))
