package main

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// pngScale is how many pixels a unit of the chart has, each way: slides and
// screens of today show more than 960 of them.
const pngScale = 2

// pngCanvas draws a chart as pixels. Its font knows Latin, Greek and Cyrillic
// letters; for names in others there is SVG.
type pngCanvas struct {
	img  *image.RGBA
	font *opentype.Font
	err  error // the first that happened
}

// writePNG writes a chart as a PNG file.
func writePNG(w io.Writer, ch *chart) error {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return fmt.Errorf("the font for the picture cannot be read: %w", err)
	}
	c := &pngCanvas{img: image.NewRGBA(image.Rect(0, 0, chartWidth*pngScale, chartHeight*pngScale)), font: f}
	draw.Draw(c.img, c.img.Bounds(), image.White, image.Point{}, draw.Src)
	ch.draw(c)
	if c.err != nil {
		return c.err
	}
	return png.Encode(w, c.img)
}

func (c *pngCanvas) stroke(paths [][]spot, with ink, width float64) {
	if len(paths) == 0 {
		return
	}
	size := c.img.Bounds().Size()
	r := vector.NewRasterizer(size.X, size.Y)
	half := width * pngScale / 2
	for _, path := range paths {
		for i, s := range path {
			at := spot{s.x * pngScale, s.y * pngScale}
			dot(r, at, half)
			if i > 0 {
				segment(r, spot{path[i-1].x * pngScale, path[i-1].y * pngScale}, at, half)
			}
		}
	}
	shade := color.NRGBA{with.red, with.green, with.blue, uint8(math.Round(with.cover * 255))}
	r.Draw(c.img, c.img.Bounds(), image.NewUniform(shade), image.Point{})
}

// segment adds a line from a to b. All shapes turn the same way: coverage of
// those that turn the other way would be taken off.
func segment(r *vector.Rasterizer, a, b spot, half float64) {
	dx, dy := b.x-a.x, b.y-a.y
	length := math.Hypot(dx, dy)
	if length == 0 {
		return
	}
	nx, ny := -dy/length*half, dx/length*half
	r.MoveTo(float32(a.x+nx), float32(a.y+ny))
	r.LineTo(float32(a.x-nx), float32(a.y-ny))
	r.LineTo(float32(b.x-nx), float32(b.y-ny))
	r.LineTo(float32(b.x+nx), float32(b.y+ny))
	r.ClosePath()
}

// dot adds a circle: the round end of a line, or its joint with the next.
func dot(r *vector.Rasterizer, at spot, radius float64) {
	const corners = 12
	for i := range corners {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / corners)
		x, y := float32(at.x+radius*cos), float32(at.y+radius*sin)
		if i == 0 {
			r.MoveTo(x, y)
		} else {
			r.LineTo(x, y)
		}
	}
	r.ClosePath()
}

func (c *pngCanvas) text(at spot, a anchor, size float64, text string) {
	face, err := opentype.NewFace(c.font, &opentype.FaceOptions{Size: size * pngScale, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		if c.err == nil {
			c.err = fmt.Errorf("the font for the picture cannot be used: %w", err)
		}
		return
	}
	defer face.Close()
	with := textInk()
	d := font.Drawer{Dst: c.img, Src: image.NewUniform(color.RGBA{with.red, with.green, with.blue, 255}), Face: face}
	text = plain(text)
	x := at.x * pngScale
	if a != anchorStart {
		width := float64(d.MeasureString(text)) / 64
		x -= width / float64(3-a) // half of it, or all
	}
	d.Dot = fixed.Point26_6{X: fixed.Int26_6(x * 64), Y: fixed.Int26_6(at.y * pngScale * 64)}
	d.DrawString(text)
}
