"""How a page looks: on a screen by day and by night, on a phone, and on paper."""

CSS = """
:root { color-scheme: light dark; --ink: #1d2430; --quiet: #5d6878; --paper: #fff; --card: #f6f7f9; --line: #dde1e7;
  --best: #1f7a45; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ee; --quiet: #9aa5b4; --paper: #14171c; --card: #1c2027; --line: #323946; --best: #6fcf97; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem clamp(1rem, 3vw, 2.5rem) 4rem; max-width: 92rem; color: var(--ink);
  background: var(--paper); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.25rem 0 .5rem; overflow-wrap: anywhere; }
p { margin: .25rem 0 .75rem; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
nav a { color: inherit; text-underline-offset: .2em; }
.quiet, td small, h3 small { color: var(--quiet); font-weight: normal; }
.wide { overflow-x: auto; margin: .5rem 0 1rem; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .4rem .9rem .4rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { color: var(--quiet); font-weight: 600; vertical-align: bottom; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
th.above { text-align: right; }
td small, th small { display: block; font-size: .8rem; }
td.best { color: var(--best); font-weight: 700; }
code, pre { font: .85rem/1.5 ui-monospace, "SF Mono", Consolas, "DejaVu Sans Mono", monospace; }
td code { display: inline-block; max-width: 26rem; overflow-wrap: break-word; }
.name { white-space: nowrap; font-weight: 600; }
.key { width: 1.6rem; height: .7rem; margin-right: .4rem; vertical-align: .02em; }
details { margin: .5rem 0; }
summary { cursor: pointer; }
pre { background: var(--card); padding: .75rem 1rem; border-radius: .5rem; overflow-x: auto; max-height: 32rem; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; position: sticky; top: 0; z-index: 1; margin: 0 0 .75rem;
  padding: .5rem 0; background: var(--paper); }
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: 1rem;
  grid-auto-flow: dense; }
.curves > figure { background: var(--card); border-radius: .6rem; padding: .6rem .8rem; }
figure { margin: 0; min-width: 0; }
figcaption { font-size: .9rem; overflow-wrap: anywhere; }
.group { font-weight: 600; }
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(15rem, 100%), 1fr)); gap: .75rem; }
.panels svg { display: block; width: 100%; height: auto; max-width: 30rem; }
.samples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(11.5rem, 45%), 1fr)); gap: .75rem; }
.samples img { display: block; max-width: 100%; border-radius: .25rem; }
.samples figcaption { color: var(--quiet); font-variant-numeric: tabular-nums; }
@media (min-width: 44rem) { .curves > .several { grid-column: span 2; } }
@media print {
  :root { color-scheme: light; --ink: #000; --quiet: #444; --paper: #fff; --card: #fff; --line: #bbb; --best: #1f7a45; }
  body { padding: 0; font-size: 10pt; }
  nav, details:not([open]) { display: none; }
  .legend { position: static; }
  .wide { overflow: visible; }
  .wide, figure, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
}
"""
