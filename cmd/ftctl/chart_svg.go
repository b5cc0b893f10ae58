package main

import (
	"fmt"
	"html"
	"io"
	"strings"
)

// svgCanvas writes a chart as SVG, whose text the viewer's own fonts draw.
type svgCanvas struct{ strings.Builder }

// writeSVG writes a chart as an SVG file.
func writeSVG(w io.Writer, ch *chart) error {
	var c svgCanvas
	fmt.Fprintf(&c, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" font-family="sans-serif" role="img">`+"\n",
		chartWidth, chartHeight, chartWidth, chartHeight)
	fmt.Fprintf(&c, "<title>%s</title>\n", html.EscapeString(ch.title))
	fmt.Fprintf(&c, `<rect width="%g" height="%g" fill="#fff"/>`+"\n", chartWidth, chartHeight)
	ch.draw(&c)
	c.WriteString("</svg>\n")
	_, err := io.WriteString(w, c.String())
	return err
}

func (c *svgCanvas) stroke(paths [][]spot, with ink, width float64) {
	if len(paths) == 0 {
		return
	}
	c.WriteString(`<path d="`)
	for _, path := range paths {
		for i, s := range path {
			letter := 'L'
			if i == 0 {
				letter = 'M'
			}
			fmt.Fprintf(c, "%c%.1f %.1f", letter, s.x, s.y)
		}
		if len(path) == 1 {
			c.WriteString("h0") // with a round cap this is a dot
		}
	}
	fmt.Fprintf(c, `" fill="none" stroke="#%02x%02x%02x" stroke-opacity="%g" stroke-width="%g" stroke-linecap="round" stroke-linejoin="round"/>`+"\n",
		with.red, with.green, with.blue, with.cover, width)
}

func (c *svgCanvas) text(at spot, a anchor, size float64, text string) {
	with := textInk()
	fmt.Fprintf(c, `<text x="%.1f" y="%.1f" font-size="%g" text-anchor="%s" fill="#%02x%02x%02x">%s</text>`+"\n",
		at.x, at.y, size, [...]string{"start", "middle", "end"}[a], with.red, with.green, with.blue, html.EscapeString(plain(text)))
}
