"""The colours of a picture, for light pages and dark ones; they are all said by the CSS within it."""

CSS = """
.tg{--page:#fff;--box:#fff;--ink:#1d2430;--soft:#5b6676;--line:#8b95a5;--edge:#7b8798;--frame:#5a6b8512;--rim:#b9c2cf;
--input:#64748b;--parameter:#b7791f;--product:#2563eb;--elementwise:#0f9d76;--reduce:#c0392b;--shape:#7c8798;
--other:#6d5bd0;--folded:#7c3aed;--output:#1d2430;font-family:system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}
@media(prefers-color-scheme:dark){.tg{--page:#12161d;--box:#1b212b;--ink:#e8ecf2;--soft:#a3aebd;--line:#566173;
--edge:#7d8a9d;--frame:#8fa3c412;--rim:#3a4453;--input:#94a3b8;--parameter:#e0a84a;--product:#6ea0ff;--elementwise:#3ecf9f;
--reduce:#ff8a7a;--shape:#98a3b3;--other:#a99cf5;--folded:#b794f6;--output:#e8ecf2}}
.tg .page{fill:var(--page)}
.tg .frame{fill:var(--frame);stroke:var(--rim)}
.tg .title{fill:var(--soft);font-size:11.5px;font-weight:600;stroke:var(--page);stroke-width:2px;paint-order:stroke}
.tg .edge{fill:none;stroke:var(--edge);stroke-width:1.3}
.tg .head{fill:var(--edge)}
.tg .shape{fill:var(--soft);font-size:10.5px;stroke:var(--page);stroke-width:3px;paint-order:stroke;stroke-linejoin:round}
.tg .box{fill:var(--box);stroke:var(--line)}
.tg .parameter .box,.tg .input .box{stroke-dasharray:3 2.5}
.tg .name{fill:var(--ink);font-size:13px;font-weight:600;text-anchor:middle}
.tg .line{fill:var(--soft);font-size:10.5px;text-anchor:middle}
.tg .key{fill:var(--soft);font-size:11px}
""".strip() + "".join(
    f"\n.tg .{kind} .mark{{fill:var(--{kind})}}"
    for kind in (
        "input", "parameter", "product", "elementwise", "reduce", "shape", "other", "folded", "output",
    )
)  # fmt: skip
