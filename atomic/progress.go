package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/projectatomic/atomic/images"
)

// A pullReport tells the user how a pull goes.
type pullReport struct {
	ref    string
	stderr io.Writer
	logf   func(format string, args ...any)
	now    func() time.Time
	meter  pullMeter
	screen *screen // nil: plain lines
}

// newPullReport draws on a terminal, and prints lines elsewhere.
func (e *env) newPullReport(ref string) *pullReport {
	r := &pullReport{ref: ref, stderr: e.stderr, logf: e.logf, now: e.now, meter: pullMeter{began: e.now()}}
	if f, ok := e.stderr.(*os.File); ok && isTerminal(f) && e.getenv("TERM") != "dumb" && !e.debug {
		r.screen = &screen{w: f, size: func() (int, int, error) { return term.GetSize(int(f.Fd())) }}
	}
	return r
}

// take is told of each step.
func (r *pullReport) take(p images.Progress) {
	if p.Layer == "" {
		r.logf("pull: %s", p.Text)
		return
	}
	layer, changed := r.meter.take(p)
	switch {
	case r.screen != nil:
		r.screen.draw(r.now(), r.meter.lines)
	case changed && layer.phase == images.Done && layer.bytes > 0:
		fmt.Fprintf(r.stderr, "%s: done, %s\n", layer.id, roughSize(layer.bytes))
	case changed && layer.phase == images.Done:
		fmt.Fprintf(r.stderr, "%s: done\n", layer.id)
	case changed && layer.phase == images.Present:
		fmt.Fprintf(r.stderr, "%s: already present\n", layer.id)
	}
}

// end is told how it ended. The error is somebody else's to print.
func (r *pullReport) end(err error) {
	if r.screen != nil {
		r.screen.clear()
	}
	if err != nil {
		return
	}
	if len(r.meter.layers) == 0 { // Docker says no more of an image that it has
		fmt.Fprintln(r.stderr, "pulled "+r.ref)
		return
	}
	fmt.Fprintf(r.stderr, "pulled %s: %s\n", r.ref, r.meter.summary(r.now()))
}

// A pullMeter adds up the layers of a pull.
type pullMeter struct {
	began  time.Time
	layers []*pulledLayer // as they came up
}

type pulledLayer struct {
	id    string
	phase images.Phase
	bytes int64 // that were fetched
	total int64 // bytes to fetch; 0 if unknown
	// step and steps are how far the phase is, in bytes.
	step, steps int64
}

// take notes a step; changed tells whether the layer came into another phase.
func (m *pullMeter) take(p images.Progress) (layer *pulledLayer, changed bool) {
	for _, l := range m.layers {
		if l.id == p.Layer {
			layer = l
		}
	}
	if layer == nil {
		layer = &pulledLayer{id: p.Layer}
		m.layers = append(m.layers, layer)
	}
	changed = layer.phase != p.Phase
	layer.phase, layer.step, layer.steps = p.Phase, p.Current, p.Total
	switch p.Phase {
	case images.Downloading:
		layer.bytes, layer.total = max(layer.bytes, p.Current), max(layer.total, p.Total)
	case images.Extracting, images.Done:
		layer.total = max(layer.total, p.Total)
		layer.bytes = max(layer.bytes, layer.total)
	case images.Waiting, images.Present:
	}
	return layer, changed
}

// sums are the layers that are there, those that were there before, the bytes
// that were fetched and all that are to be; 0 as long as that is not known.
func (m *pullMeter) sums() (done, present int, bytes, total int64) {
	known := true
	for _, l := range m.layers {
		switch l.phase {
		case images.Present:
			present++
			done++
			continue
		case images.Done:
			done++
		default:
			known = known && l.total > 0
		}
		bytes += l.bytes
		total += max(l.total, l.bytes)
	}
	if !known {
		total = 0
	}
	return done, present, bytes, total
}

func (m *pullMeter) summary(now time.Time) string {
	done, present, bytes, _ := m.sums()
	if present == len(m.layers) {
		return plural(present, "layer") + ", all already present"
	}
	text := plural(done, "layer")
	if present > 0 {
		text += fmt.Sprintf(" (%d already present)", present)
	}
	taken := now.Sub(m.began)
	if bytes == 0 { // Podman does not tell of small layers
		return text + " in " + span(taken)
	}
	text += fmt.Sprintf(", %s in %s", roughSize(bytes), span(taken))
	if taken > 0 {
		text += fmt.Sprintf(", %s/s", roughSize(speed(bytes, taken)))
	}
	return text
}

// lines are what a screen of that size shows: the layers that something
// happens to, and the sum.
func (m *pullMeter) lines(now time.Time, columns, rows int) []string {
	var lines []string
	for _, l := range m.layers {
		if (l.phase == images.Downloading || l.phase == images.Extracting) && len(lines) < rows-2 {
			lines = append(lines, l.line(columns))
		}
	}
	done, _, bytes, total := m.sums()
	text := fmt.Sprintf("%d of %s, %s", done, plural(len(m.layers), "layer"), roughSize(bytes))
	if total > 0 {
		text += " of " + roughSize(total)
	}
	if taken := now.Sub(m.began); taken > 0 && bytes > 0 && bytes != total {
		rate := speed(bytes, taken)
		text += fmt.Sprintf(", %s/s", roughSize(rate))
		if rate > 0 && total > 0 {
			text += fmt.Sprintf(", %s left", span(time.Duration(float64(total-bytes)/float64(rate)*float64(time.Second)).Round(time.Second)))
		}
	}
	return append(lines, text)
}

// line is the layer as a screen shows it, with a bar if there is room.
func (l *pulledLayer) line(columns int) string {
	const (
		without = 48 // columns for all but the bar
		widest  = 40
		least   = 10
	)
	text := fmt.Sprintf("%-12s %-11s ", l.id, l.phase)
	if l.steps <= 0 {
		return text + roughSize(l.step)
	}
	if width := min(columns-without, widest); width >= least {
		full := int(min(l.step, l.steps) * int64(width) / l.steps)
		text += "[" + strings.Repeat("=", full) + strings.Repeat(" ", width-full) + "] "
	}
	return text + roughSize(l.step) + " / " + roughSize(l.steps)
}

// speed is in bytes a second.
func speed(bytes int64, taken time.Duration) int64 { return int64(float64(bytes) / taken.Seconds()) }

// span is a time as progress shows it: 4.2 s, 1m5s.
func span(d time.Duration) string {
	if d >= time.Minute {
		return d.Round(time.Second).String()
	}
	return strings.Replace(fmt.Sprintf("%.1f s", d.Seconds()), ".0 ", " ", 1)
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// A screen is the lines above the cursor of a terminal, drawn again and again.
type screen struct {
	w     io.Writer
	size  func() (columns, rows int, err error)
	last  time.Time // of the last drawing
	drawn int       // lines
}

// drawingPause keeps a fast pull from being slowed down by its picture.
const drawingPause = 100 * time.Millisecond

// draw replaces what is there, unless it was drawn just now.
func (s *screen) draw(now time.Time, lines func(now time.Time, columns, rows int) []string) {
	if !s.last.IsZero() && now.Sub(s.last) < drawingPause {
		return
	}
	s.last = now
	columns, rows, err := s.size()
	if err != nil || columns < 2 || rows < 2 {
		columns, rows = 80, 24
	}
	var frame strings.Builder
	s.rewind(&frame)
	picture := lines(now, columns, rows)
	for _, line := range picture {
		frame.WriteString(clip(printable(line), columns-1) + "\x1b[K\n")
	}
	frame.WriteString("\x1b[J") // lines of a longer picture
	s.drawn = len(picture)
	fmt.Fprint(s.w, frame.String())
}

// clear takes the picture away.
func (s *screen) clear() {
	var frame strings.Builder
	s.rewind(&frame)
	frame.WriteString("\x1b[J")
	s.drawn = 0
	fmt.Fprint(s.w, frame.String())
}

// rewind goes back to where the picture begins.
func (s *screen) rewind(w io.Writer) {
	if s.drawn > 0 {
		fmt.Fprintf(w, "\r\x1b[%dA", s.drawn)
	}
}
