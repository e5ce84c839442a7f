/** How the page looks: on a phone, on a desk, in the dark, on paper. No font, image or script from anywhere. */
export const pageStyle = `
:root{color-scheme:light dark;--paper:#fbfaf6;--card:#fff;--ink:#1d2126;--soft:#565d66;--line:#e2dfd6;--faint:#f3f1ea;
--pass:#17643f;--pass-bg:#e7f2ea;--sampled:#285383;--sampled-bg:#e6eef7;--could-not-verify:#7d4f00;--could-not-verify-bg:#fbf0d9;
--fail:#9a1f28;--fail-bg:#fae7e6;--serif:"Iowan Old Style","Palatino Linotype",Palatino,"Book Antiqua",Georgia,"DejaVu Serif",serif;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif;
--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
@media (prefers-color-scheme:dark){:root{--paper:#14171a;--card:#1b1f23;--ink:#e8e6e1;--soft:#a7adb5;--line:#30363c;--faint:#20252a;
--pass:#7fd0a3;--pass-bg:#173025;--sampled:#93bdea;--sampled-bg:#1a2a3c;--could-not-verify:#e6bd6c;--could-not-verify-bg:#342a15;
--fail:#f39a98;--fail-bg:#3a1d1e}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 var(--sans);font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
main,.foot{max-width:62rem;margin:0 auto;padding:0 1.25rem}
.kicker{font-size:.8125rem;letter-spacing:.09em;text-transform:uppercase;color:var(--soft);margin:2.5rem 0 1rem}
h1,h2{font-family:var(--serif);font-weight:600;line-height:1.18;text-wrap:balance;margin:0}
h1{font-size:clamp(1.75rem,4.6vw,2.75rem);letter-spacing:-.012em}
h2{font-size:clamp(1.35rem,3vw,1.75rem)}
h3{font-size:.8125rem;letter-spacing:.07em;text-transform:uppercase;color:var(--soft);font-weight:600;margin:2.25rem 0 .75rem}
p{margin:.5rem 0;max-width:44rem}
a{color:inherit;text-decoration-color:var(--soft);text-underline-offset:.18em}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:3px solid var(--sampled);outline-offset:2px;border-radius:3px}
code,.mono{font-family:var(--mono);font-size:.86em}
.hero{display:flex;gap:1.25rem;align-items:flex-start;padding:1.5rem;border-radius:14px;border:1px solid transparent}
.hero p{color:var(--ink)}
.seal{flex:none;width:3.5rem;height:3.5rem;border-radius:50%;display:grid;place-items:center;font-size:1.75rem;line-height:1;color:var(--paper);font-family:var(--sans)}
.v-pass .seal,.seal.v-pass{background:var(--pass)}.v-fail .seal{background:var(--fail)}.v-sampled .seal{background:var(--sampled)}.v-could-not-verify .seal{background:var(--could-not-verify)}
.hero.v-pass{background:var(--pass-bg);border-color:var(--pass)}.hero.v-fail{background:var(--fail-bg);border-color:var(--fail)}
.hero.v-sampled{background:var(--sampled-bg);border-color:var(--sampled)}.hero.v-could-not-verify{background:var(--could-not-verify-bg);border-color:var(--could-not-verify)}
.badge{display:inline-flex;gap:.4em;align-items:baseline;border-radius:99px;padding:.12em .7em;font-size:.8125rem;font-weight:600;white-space:nowrap}
.badge.v-pass{color:var(--pass);background:var(--pass-bg)}.badge.v-fail{color:var(--fail);background:var(--fail-bg)}
.badge.v-sampled{color:var(--sampled);background:var(--sampled-bg)}.badge.v-could-not-verify{color:var(--could-not-verify);background:var(--could-not-verify-bg)}
dl.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(13rem,100%),1fr));gap:1rem 1.5rem;margin:1.5rem 0 0}
dl.facts dt{font-size:.8125rem;color:var(--soft)}dl.facts dd{margin:0}
dl.facts .wide{grid-column:1/-1}
article{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:1.5rem;margin:2rem 0}
.scroll{margin-top:.75rem}.headline{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center;justify-content:space-between}
.lead{color:var(--soft);margin-top:.35rem}
ol.checks{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}
ol.checks>li{display:grid;grid-template-columns:minmax(0,1fr) auto;grid-template-rows:auto 1fr;gap:.1rem 1rem;padding:.65rem 0;border-bottom:1px solid var(--line)}
ol.checks .title{font-weight:600;grid-column:1}ol.checks .what{color:var(--soft);font-size:.9rem;grid-column:1}
ol.checks .state{text-align:right;grid-column:2;grid-row:1/span 2}ol.checks .took{color:var(--soft);font-size:.8125rem;display:block;margin-top:.15rem}
.why{grid-column:1/-1;margin:.25rem 0 0;padding:.5rem .8rem;border-left:3px solid;background:var(--faint);border-radius:0 6px 6px 0;max-width:none}
.why.v-fail{border-color:var(--fail)}.why.v-could-not-verify{border-color:var(--could-not-verify)}.why.v-sampled{border-color:var(--sampled)}.why.v-pass{border-color:var(--pass)}
ul.findings{grid-column:1/-1;margin:.35rem 0 0;padding-left:1.2rem;font-size:.9rem}
details{margin:.5rem 0}summary{cursor:pointer;color:var(--soft);padding:.2rem 0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9375rem}
caption{text-align:left;color:var(--soft);font-size:.875rem;padding-bottom:.5rem}
th,td{text-align:left;padding:.5rem .75rem .5rem 0;border-bottom:1px solid var(--line);vertical-align:top}
thead th{font-size:.8125rem;color:var(--soft);font-weight:600}tbody th{font-weight:500}
td.number,th.number{text-align:right;white-space:nowrap;padding-right:2rem}
tr.bad th,tr.bad td{background:var(--fail-bg)}
.meter{margin:.4rem 0 1rem}.meter .bar{display:block;width:100%;height:.6rem}
.meter .label{display:flex;flex-wrap:wrap;justify-content:space-between;gap:.2rem 1rem;font-size:.9375rem}
figure{margin:0}svg{display:block}svg.trend{width:100%;height:auto;max-height:17rem}
svg text{font:12px var(--sans);fill:var(--soft)}.axis{stroke:var(--line);stroke-width:1}.goal{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:5 4}
.line{fill:none;stroke-width:2;stroke-linejoin:round}.s0{stroke:var(--sampled)}.s1{stroke:var(--could-not-verify)}.s2{stroke:var(--pass)}.s3{stroke:var(--soft)}
.dot{stroke-width:2;fill:var(--card)}.dot.bad{stroke:var(--fail);fill:none;stroke-width:3}
.bar-back{fill:var(--line)}.bar-good{fill:var(--pass)}.bar-bad{fill:var(--fail)}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;font-size:.875rem;color:var(--soft);margin:.25rem 0}
.foot{color:var(--soft);font-size:.875rem;padding-bottom:3rem}.foot p{max-width:none}
@media (max-width:40rem){svg text{font-size:20px}dl.facts{grid-template-columns:1fr 1fr;gap:.9rem 1rem}.hero{flex-direction:column;gap:.75rem}article{padding:1.1rem;margin:1.25rem 0}
table.stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table.stack,table.stack tbody,table.stack tr,table.stack th,table.stack td,table.stack caption{display:block;width:100%}
table.stack tr{padding:.6rem 0;border-bottom:1px solid var(--line)}table.stack th,table.stack td,table.stack td.number{border:0;padding:.1rem 0;white-space:normal}
table.stack .number{padding-right:0}table.stack tr.bad{padding:.6rem .7rem;border-radius:6px;background:var(--fail-bg)}
table.stack td{display:flex;justify-content:space-between;gap:1rem;text-align:right}
table.stack td::before{content:attr(data-label);color:var(--soft);font-size:.875rem;text-align:left;flex:none}}
@media print{:root{color-scheme:light;--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;--faint:#f4f4f4}
body{font-size:10.5pt}main,.foot{max-width:none;padding:0}article{border:0;border-top:1px solid #bbb;border-radius:0;padding:1rem 0}
.hero,.badge,.seal,.why,tr.bad th,tr.bad td,svg{print-color-adjust:exact;-webkit-print-color-adjust:exact}
ol.checks>li,tr,.hero,figure,.meter{break-inside:avoid}h2,h3{break-after:avoid}thead{display:table-header-group}.kicker{margin-top:0}}
@page{margin:16mm}
`;
