# Copyright: Contributors to the crosscluster.elasticsearch collection
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Style and script of the HTML report. All text colours reach a contrast of 4.5 on their ground (tested).

This file is private to the crosscluster.elasticsearch collection.
"""

from __future__ import annotations

LIGHT = {
    "ground": "#ffffff",
    "soft": "#f4f6f8",
    "text": "#1a1f26",
    "quiet": "#4d5661",
    "line": "#c9d0d8",
    "link": "#0b57b0",
    "ok": "#14622a",
    "ok-ground": "#e3f4e7",
    "warning": "#774800",
    "warning-ground": "#fff1cf",
    "broken": "#9b1019",
    "broken-ground": "#fde7e7",
    "unknown": "#434a54",
    "unknown-ground": "#e8ebef",
}
DARK = {
    "ground": "#14181d",
    "soft": "#1d232a",
    "text": "#e8ecf1",
    "quiet": "#aab4c0",
    "line": "#3b4550",
    "link": "#86b9ff",
    "ok": "#7fdc97",
    "ok-ground": "#12331d",
    "warning": "#ffcf70",
    "warning-ground": "#3d2b05",
    "broken": "#ff9d9d",
    "broken-ground": "#451317",
    "unknown": "#c3ccd6",
    "unknown-ground": "#2b333c",
}


def _variables(colours: dict[str, str]) -> str:
    return "".join("--{0}:{1};".format(name, value) for name, value in colours.items())


CSS = (
    ":root{color-scheme:light dark;" + _variables(LIGHT) + "}"
    "@media (prefers-color-scheme:dark){:root{" + _variables(DARK) + "}}"
    """
*{box-sizing:border-box}
body{margin:0 auto;max-width:80rem;padding:1rem;background:var(--ground);color:var(--text);
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:.2rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}
header p,footer p,.legend,.seen{color:var(--quiet)}
footer{margin-top:2rem;border-top:1px solid var(--line);font-size:.9rem}
a{color:var(--link)}code{font-size:.85em;overflow-wrap:anywhere}

a:focus-visible,summary:focus-visible,.scroll:focus-visible,input:focus-visible,
select:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.sr,.skip:not(:focus){position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.6rem;padding:0;list-style:none}
.tile{padding:.6rem .8rem;border:1px solid var(--line);border-radius:.5rem;background:var(--soft)}
.tile strong{display:block;font-size:1.5rem;line-height:1.3}
.badge{display:inline-block;padding:0 .5rem;border-radius:.4rem;font-weight:600;font-size:.9rem;white-space:nowrap}
.badge.ok,.tile.ok,.matrix .ok{color:var(--ok);background:var(--ok-ground)}
.badge.warning,.tile.warning,.matrix .warning{color:var(--warning);background:var(--warning-ground)}
.badge.broken,.tile.broken,.matrix .broken{color:var(--broken);background:var(--broken-ground)}
.badge.unknown,.tile.unknown,.matrix .unknown{color:var(--unknown);background:var(--unknown-ground)}
.findings{list-style:none;padding:0;display:grid;gap:.7rem}
.finding{padding:.6rem .9rem;border:1px solid var(--line);border-left:.35rem solid var(--unknown);
border-radius:.4rem;overflow-wrap:anywhere}
.finding.broken{border-left-color:var(--broken)}.finding.warning{border-left-color:var(--warning)}
.finding h3{margin:0;font-size:1rem}
.finding ul{margin:.4rem 0;padding-left:1.2rem}.finding .fix,.finding p{margin:.3rem 0 0}.seen{font-size:.9rem}
.scroll{overflow-x:auto;position:relative}table{border-collapse:collapse}
.matrix th,.matrix td{border:1px solid var(--line)}.matrix th{font-weight:600;font-size:.9rem}
.matrix tbody th{text-align:left;white-space:nowrap;padding:.2rem .6rem;position:sticky;left:0;background:var(--ground)}
.matrix thead th{vertical-align:bottom;padding:.4rem .2rem}
.matrix thead th span{writing-mode:vertical-rl;transform:rotate(180deg);max-height:10rem;overflow:hidden;
text-overflow:ellipsis;white-space:nowrap}
.matrix td{min-width:2rem;height:2rem;text-align:center}
.matrix td a{display:block;line-height:2rem;color:inherit;font-weight:700;text-decoration:none}
.matrix td.self{background:repeating-linear-gradient(45deg,var(--soft) 0 4px,var(--line) 4px 5px)}
.matrix td.none{color:var(--quiet)}
.matrix small{font-weight:400;margin-left:.15rem}.legend .badge{margin-right:.3rem}
.axis{overflow-x:auto}.axis svg{width:100%;min-width:34rem;max-width:52rem;height:auto}
.axis line{stroke:var(--line);stroke-width:1}
.axis text{fill:var(--text);font:11px system-ui,sans-serif;text-anchor:middle}.axis text.end{text-anchor:end}
.axis text.start{text-anchor:start}
.axis rect{fill:var(--link)}
.links,.plain{width:100%}
.links th,.plain th{text-align:left;border-bottom:2px solid var(--line);padding:.4rem .5rem;white-space:nowrap}
.links td,.plain td{border-bottom:1px solid var(--line);padding:.4rem .5rem;vertical-align:top}
.links tr:target{background:var(--soft);outline:2px solid var(--link)}.links ul{margin:.2rem 0;padding-left:1.1rem}
.links time{white-space:nowrap}
.tools label{margin-right:1rem}
.tools input,.tools select{font:inherit;color:inherit;background:var(--soft);border:1px solid var(--quiet);
border-radius:.3rem;padding:.2rem .5rem;max-width:100%}
summary{cursor:pointer}
@media (max-width:60rem){
.links,.links tbody,.links tr,.links td{display:block}
.links thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.links tr{border:1px solid var(--line);border-radius:.5rem;margin:0 0 .7rem;padding:.3rem .6rem}
.links td{display:grid;grid-template-columns:6rem minmax(0,1fr);gap:.5rem;border:0;padding:.15rem 0;
overflow-wrap:anywhere}
.links td::before{content:attr(data-label);color:var(--quiet)}
}
.links tr[hidden]{display:none}
@media print{.tools,.skip{display:none}.scroll{overflow:visible}body{max-width:none}}
"""
)

# Only a comfort: without it everything is there, unfiltered.
SCRIPT = """
(function(){
var find=document.getElementById('find'),state=document.getElementById('state'),shown=document.getElementById('shown');
if(!find)return;
var rows=Array.prototype.slice.call(document.querySelectorAll('.links tbody tr'));
var words=rows.map(function(row){return row.textContent.toLowerCase()});
function apply(){
var wanted=find.value.toLowerCase().split(/\\s+/),count=0;
rows.forEach(function(row,i){
var hit=(!state.value||row.dataset.state===state.value)&&wanted.every(function(word){return words[i].indexOf(word)>=0});
row.hidden=!hit;if(hit)count++;
});
shown.textContent=count===rows.length?'':count+' of '+rows.length;
}
find.addEventListener('input',apply);state.addEventListener('change',apply);
window.addEventListener('hashchange',function(){var row=document.getElementById(location.hash.slice(1));
if(row&&row.hidden){find.value='';state.value='';apply();row.scrollIntoView()}});
document.querySelector('.tools').hidden=false;
})();
"""
