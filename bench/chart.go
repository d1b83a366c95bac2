package main

import (
	"fmt"
	"html"
	"strings"
)

// bar is one line of a chart.
type bar struct {
	label            string
	low, value, high float64
	ours             bool
}

// The measures of a chart, in pixels.
const (
	chartWidth  = 720
	labelWidth  = 200
	valueWidth  = 90
	barHeight   = 20
	barStep     = 32
	chartHeader = 58
)

// chart draws bars with their ranges, as an SVG that follows the reader's choice of
// light or dark.
func chart(title, unit string, bars []bar) string {
	most := 0.0
	for _, x := range bars {
		most = max(most, x.high)
	}
	if most <= 0 {
		most = 1
	}
	height := chartHeader + barStep*len(bars) + 8
	scale := (chartWidth - labelWidth - valueWidth) / most
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">
<style>
  text { font: 14px system-ui, sans-serif; fill: #1f2328 }
  .unit { font-size: 12px; fill: #59636e }
  .title { font-weight: 600 }
  .bar { fill: #9aa4b2 }
  .ours { fill: #2563eb }
  .range { stroke: #1f2328; stroke-width: 1.5 }
  .back { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .unit { fill: #9198a1 }
    .bar { fill: #59636e }
    .ours { fill: #4f8cff }
    .range { stroke: #e6edf3 }
    .back { fill: #0d1117 }
  }
</style>
<rect class="back" width="100%%" height="100%%"/>
<text class="title" x="12" y="24">%s</text>
<text class="unit" x="12" y="43">%s, median and range</text>
`, chartWidth, height, chartWidth, height, html.EscapeString(title+": "+unit), html.EscapeString(title), html.EscapeString(unit))
	for i, x := range bars {
		y := chartHeader + barStep*i
		middle := y + barHeight/2
		class := "bar"
		if x.ours {
			class += " ours"
		}
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, labelWidth-10, middle+5, html.EscapeString(x.label))
		fmt.Fprintf(&b, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`, class, labelWidth, y, max(x.value*scale, 1), barHeight)
		if x.high > x.low {
			fmt.Fprintf(&b, `<path class="range" d="M%.1f %dH%.1f"/>`, labelWidth+x.low*scale, middle, labelWidth+x.high*scale)
		}
		fmt.Fprintf(&b, `<text x="%.1f" y="%d">%s</text>`+"\n", labelWidth+x.high*scale+8, middle+5, short(x.value))
	}
	b.WriteString("</svg>\n")
	return b.String()
}
