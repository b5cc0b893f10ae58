package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ftd/api"
)

// pictured is a training with overflows and a gap.
func pictured(n int) []api.Point {
	values := falling(n)
	for i := n / 2; i < n/2+n/20; i++ {
		values[i] = api.Float(math.NaN())
	}
	points := losses(values...)
	points[n/8].Overflow = ptr(true)
	points[n/8+1].Overflow = ptr(true)
	return points
}

func both() []compared {
	second := losses(falling(260)...)
	for i := range second {
		second[i].Loss = second[i].Loss*0.9 + 0.2
	}
	return []compared{{"01k9xq4t8m2v7b3n5c6d8f9g0h", "first-try", pictured(400)}, {"01k9xz00000000000000000000", "<lr 2e-5> & more", second}}
}

func TestChartAsSVG(t *testing.T) {
	for name, all := range map[string][]compared{"chart.svg": both()[:1], "chart-compare.svg": both()} {
		var out bytes.Buffer
		require.NoError(t, writeSVG(&out, newChart("loss", all)))
		golden(t, name, out.String())
		d := xml.NewDecoder(&out)
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, "it must be XML")
		}
	}
}

func near(a, b color.Color) bool {
	r1, g1, b1, _ := a.RGBA()
	r2, g2, b2, _ := b.RGBA()
	d := func(x, y uint32) bool { return max(x, y)-min(x, y) < 0x1000 }
	return d(r1, r2) && d(g1, g2) && d(b1, b2)
}

// count counts the pixels of a colour in a part of a picture, in the units of a chart.
func count(img image.Image, x0, y0, x1, y1 float64, c color.Color) (n int) {
	for y := int(y0 * pngScale); y < int(y1*pngScale); y++ {
		for x := int(x0 * pngScale); x < int(x1*pngScale); x++ {
			if near(img.At(x, y), c) {
				n++
			}
		}
	}
	return n
}

func TestChartAsPNG(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, writePNG(&out, newChart("loss", both()[:1])))
	img, err := png.Decode(&out)
	require.NoError(t, err)
	require.Equal(t, image.Pt(1920, 1080), img.Bounds().Size())
	blue, red := color.RGBA{0, 98, 177, 255}, color.RGBA{200, 30, 30, 255}
	const middle = (frameLeft + frameRight) / 2
	require.Positive(t, count(img, frameLeft, frameTop, middle-5, frameBottom-20, blue), "the line before the gap")
	require.Positive(t, count(img, middle+60, frameTop, frameRight, frameBottom-20, blue), "the line after the gap")
	require.Zero(t, count(img, middle+10, frameTop, middle+30, frameBottom-20, blue), "a loss that is not finite is a gap")
	overflow := frameLeft + (frameRight-frameLeft)*50/399
	require.Positive(t, count(img, overflow-5, frameBottom-14, overflow+8, frameBottom-2, red), "an overflow is marked")
	require.Zero(t, count(img, frameLeft+5, frameBottom-14, overflow-8, frameBottom-2, red), "other steps are not")
	require.Positive(t, count(img, 0, frameTop, frameLeft-8, frameBottom, color.RGBA{40, 40, 40, 255}), "labels")
}

// A run of a million steps is no file of a million spots.
func TestChartOfALongRun(t *testing.T) {
	points := make([]api.Point, 1_000_000)
	for i := range points {
		points[i] = api.Point{GlobalStep: int64(i + 1), Loss: api.Float(5 - float64(i)/1e6), Overflow: ptr(i%2 == 0)}
	}
	points[500_000].Loss = 9 // one step must not vanish
	var out bytes.Buffer
	require.NoError(t, writeSVG(&out, newChart("loss", []compared{{"j", "n", points}})))
	require.Less(t, out.Len(), 300_000)
	require.Contains(t, out.String(), ">9</text>")
}

func TestChartOfOddNumbers(t *testing.T) {
	for _, values := range [][]api.Float{{5, 5}, {0, 0}, {1e-5, 1e-5, 1e-5}, {-3, 7}, {1e30, -1e30}, {5, api.Float(math.NaN()), 5}, {1e-300, 2e-300},
		{4096, 8192, 16384}} {
		ch := newChart("loss", []compared{{"j", "n", losses(values...)}})
		x, y := ch.axes()
		require.NotEmpty(t, x.ticks)
		require.NotEmpty(t, y.ticks, values)
		require.LessOrEqual(t, len(y.ticks), 12)
		var out bytes.Buffer
		require.NoError(t, writeSVG(&out, ch))
		require.NotContains(t, out.String(), "NaN")
		require.NotContains(t, out.String(), "Inf")
		require.NoError(t, writePNG(&out, ch))
	}
}

func TestLossIntoFiles(t *testing.T) {
	h := newHouse(t)
	s := h.stage()
	first := h.submit(s.command()...)
	s.steps(1, 20, 20)
	s.exit(0)
	h.ended(first)
	second := h.submit(s.command()...)
	s.steps(1, 10, 20)
	s.exit(0)
	h.ended(second)
	dir := t.TempDir()
	svg, file := filepath.Join(dir, "loss.svg"), filepath.Join(dir, "loss.png")
	out, talk, status := run(t, "loss", first, "--svg", svg, "--png", file)
	require.Zero(t, status, talk)
	require.Empty(t, out)
	require.Contains(t, talk, file+" is written")
	text, err := os.ReadFile(svg)
	require.NoError(t, err)
	require.Contains(t, string(text), first)
	f, err := os.Open(file)
	require.NoError(t, err)
	defer f.Close()
	_, err = png.Decode(f)
	require.NoError(t, err)
	out, _, status = run(t, "loss", "--compare", first, second, "--svg", "-", "--series", "lr")
	require.Zero(t, status)
	require.True(t, strings.HasPrefix(out, "<svg "))

	out, _, status = run(t, "loss", "--compare", first, second)
	require.Zero(t, status)
	lines := strings.Split(out, "\n")
	require.Contains(t, lines[0], "sh "+first[:10])
	require.Regexp(t, `^10 +5.339 +5.339$`, lines[10])
	require.Regexp(t, `^20 +4.299 +-$`, lines[20])
	out, _, _ = run(t, "loss", "--compare", first, second, "-o", "csv")
	require.Contains(t, out, "\n10,5.339,5.339\n")
	require.Contains(t, out, "\n20,4.299,\n")
	out, _, _ = run(t, "loss", "--compare", first, second, "-o", "json")
	require.Contains(t, out, `"job": "`+second)
	out, _, status = run(t, "loss", "--compare", first, second, "--plot")
	require.Zero(t, status)
	require.Contains(t, out, "* sh "+first[:10])
	require.Regexp(t, `step 1 .*step 20`, out)

	empty := h.submit("true")
	h.ended(empty)
	_, talk, status = run(t, "loss", empty, "--png", file)
	require.Equal(t, exitFailed, status)
	require.Contains(t, talk, "what to do: ")
	missing := filepath.Join(dir, "not", "there.png")
	_, talk, status = run(t, "loss", first, "--png", missing)
	require.Equal(t, exitUsage, status)
	require.Contains(t, talk, missing+" cannot be written: no such file or directory")
	require.Contains(t, talk, "what to do: ")
}

func TestLossFlagsThatDoNotGoTogether(t *testing.T) {
	for _, args := range [][]string{{"a", "b"}, {"--compare", "a"}, {"--compare", "-f", "a", "b"}, {"a", "--png", "x", "-f"}, {"a", "--svg", "x", "-o", "json"}, {"a", "--svg", "x", "--plot"}} {
		_, talk, status := run(t, append([]string{"loss"}, args...)...)
		require.Equal(t, exitUsage, status, "%v", args)
		require.Regexp(t, `what to do: |"remedy":"`, talk, "%v", args)
	}
}

func TestComparePlot(t *testing.T) {
	golden(t, "compare-plot.txt", comparePlot(both(), "loss", 90, false)+"\n")
	require.Contains(t, comparePlot(both(), "loss", 90, true), "first-try")
	require.Empty(t, comparePlot([]compared{{Job: "a"}, {Job: "b"}}, "loss", 80, false))
}
