// How a report looks: one column that a phone can show, tables that scroll by themselves where they are too wide, the reader's light or dark
// scheme.

export const style = `
:root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--quiet:#5b6671;--faint:#dde2e7;--panel:#f5f7f9;--blue:#1f6fb5;--orange:#c0500c;--warn:#8a3b00}
@media (prefers-color-scheme:dark){:root{--paper:#14181d;--ink:#e6eaee;--quiet:#a9b4bf;--faint:#343c45;--panel:#1c2229;--blue:#6cb2f7;--orange:#ff9f57;--warn:#ffb27d}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:66rem;margin:0 auto;padding:1.2rem 1rem 3rem}
h1{font-size:1.6rem;line-height:1.2;margin:.2rem 0 .6rem}
h2{font-size:1.2rem;margin:2.2rem 0 .6rem}
h3{font-size:1rem;margin:0 0 .4rem;overflow-wrap:anywhere}
p{margin:.4rem 0}
.quiet,.why,figcaption,.legend{color:var(--quiet);font-size:.85rem}
.note{border-left:4px solid var(--warn);padding:.3rem .8rem;background:var(--panel)}
.scroll{overflow-x:auto;-webkit-overflow-scrolling:touch}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:.3rem .6rem;vertical-align:baseline}
th:first-child,td:first-child{text-align:left;padding-left:0}
thead th{border-bottom:2px solid var(--faint);overflow-wrap:anywhere;min-width:6.5rem}
tr.first>*{border-top:1px solid var(--faint);padding-top:.55rem}
tr.why>td{padding:0 0 .55rem}
tr.why span{display:block;max-width:min(46rem,calc(100vw - 2rem));position:sticky;left:0}
th[scope=row]{font-weight:600}
th[scope=row] small,td small{font-weight:400;color:var(--quiet)}
.text td{font-size:.9rem;overflow-wrap:anywhere}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(19rem,100%),1fr));gap:1rem}
.panels.wide{grid-template-columns:repeat(auto-fit,minmax(min(24rem,100%),1fr))}
.panels>*{background:var(--panel);border-radius:8px;padding:.8rem;margin:0;min-width:0}
svg{display:block;width:100%;height:auto;font:11px system-ui,sans-serif}
svg text{fill:var(--quiet)}
.grid{stroke:var(--faint)}
.line{fill:none;stroke-width:2}.line.blue{stroke:var(--blue)}.line.orange{stroke:var(--orange)}
.dot.blue{fill:var(--blue)}.dot.orange{fill:var(--orange)}
.legend span{margin-right:1em;white-space:nowrap}
.swatch{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.35em}
.swatch.blue,.track .blue{background:var(--blue)}.swatch.orange,.track .orange{background:var(--orange)}
.bars{display:grid;grid-template-columns:auto 1fr auto;gap:.15rem .6rem;align-items:center;font-size:.85rem;font-variant-numeric:tabular-nums}
.track{position:relative;height:1rem;background:var(--faint);border-radius:2px;overflow:hidden}
.track i{position:absolute;left:0;top:0;bottom:0}
.track .orange{top:30%;bottom:30%}
.name,.number{text-align:right;white-space:nowrap}
img{display:block;max-width:100%;min-width:min(100%,22rem);height:auto;image-rendering:pixelated}
.absent{color:var(--quiet);font-style:italic}
`;
