package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/projectatomic/atomic/images"
)

// A tick is one step of a pull, and how long after the one before it came.
type tick struct {
	after time.Duration
	images.Progress
}

func step(after time.Duration, layer string, phase images.Phase, current, total int64) tick {
	return tick{after, images.Progress{Layer: layer, Phase: phase, Current: current, Total: total}}
}

const (
	tenth = 100 * time.Millisecond
	mb    = 1_000_000
)

// recorded is a pull of four layers, one of which is there, and one so small
// that the engine says nothing of its size.
func recorded() []tick {
	return []tick{
		{0, images.Progress{Text: "Pulling from library/web"}},
		step(0, "aaaaaaaaaaaa", images.Present, 0, 0),
		step(0, "bbbbbbbbbbbb", images.Waiting, 0, 0),
		step(0, "cccccccccccc", images.Waiting, 0, 0),
		step(0, "dddddddddddd", images.Waiting, 0, 0),
		step(5*tenth, "bbbbbbbbbbbb", images.Downloading, 1*mb, 10*mb),
		step(5*tenth, "cccccccccccc", images.Downloading, 3*mb, 6*mb),
		step(10*tenth, "bbbbbbbbbbbb", images.Downloading, 10*mb, 10*mb),
		step(1, "dddddddddddd", images.Done, 0, 0),
		step(5*tenth, "bbbbbbbbbbbb", images.Extracting, 5*mb, 10*mb),
		step(5*tenth, "bbbbbbbbbbbb", images.Done, 0, 0),
		step(5*tenth, "cccccccccccc", images.Downloading, 6*mb, 6*mb),
		step(5*tenth, "cccccccccccc", images.Done, 0, 0),
		{0, images.Progress{Text: "Digest: sha256:12"}},
	}
}

// A clock stands still until it is put forward.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func (c *clock) play(ticks []tick, r *pullReport) {
	for _, t := range ticks {
		c.at = c.at.Add(t.after)
		r.take(t.Progress)
	}
}

func TestPlainProgress(t *testing.T) {
	const summary = "pulled web: 4 layers (1 already present), 16 MB in 4 s, 4 MB/s\n"
	for name, test := range map[string]struct {
		ticks []tick
		err   error
		want  string
	}{
		"recorded": {recorded(), nil, "aaaaaaaaaaaa: already present\ndddddddddddd: done\nbbbbbbbbbbbb: done, 10 MB\ncccccccccccc: done, 6 MB\n" + summary},
		"failed":   {recorded()[:7], errors.New("no"), "aaaaaaaaaaaa: already present\n"},
		"all there": {
			[]tick{step(0, "a", images.Present, 0, 0), step(0, "b", images.Present, 0, 0), step(0, "b", images.Present, 0, 0)},
			nil,
			"a: already present\nb: already present\npulled web: 2 layers, all already present\n",
		},
		"started over": {
			[]tick{
				step(0, "a", images.Downloading, 5*mb, 6*mb), step(0, "a", images.Waiting, 0, 0),
				step(0, "a", images.Downloading, 1*mb, 6*mb), step(90*time.Second, "a", images.Done, 0, 0),
			},
			nil,
			"a: done, 6 MB\npulled web: 1 layer, 6 MB in 1m30s, 66.7 KB/s\n",
		},
		"nothing told": {nil, nil, "pulled web\n"},
		"no sizes": {
			[]tick{step(0, "a", images.Waiting, 0, 0), step(tenth, "a", images.Done, 0, 0)},
			nil,
			"a: done\npulled web: 1 layer in 0.1 s\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			te := newTestEnv(t)
			c := &clock{at: day(1)}
			te.now = c.now
			var stderr strings.Builder
			r := te.env(nil, io.Discard, &stderr).newPullReport("web")
			c.play(test.ticks, r)
			r.end(test.err)
			if got := stderr.String(); got != test.want {
				t.Errorf("got\n%swant\n%s", got, test.want)
			}
		})
	}
}

// newScreenReport draws for a screen of that size on a string.
func newScreenReport(columns, rows int) (*pullReport, *clock, *strings.Builder) {
	c, out := &clock{at: day(1)}, &strings.Builder{}
	return &pullReport{
		ref: "web", stderr: out, logf: func(string, ...any) {}, now: c.now, meter: pullMeter{began: c.at},
		screen: &screen{w: out, size: func() (int, int, error) { return columns, rows, nil }},
	}, c, out
}

func TestScreenProgress(t *testing.T) {
	r, c, out := newScreenReport(80, 24)
	c.play(recorded(), r)
	r.end(nil)
	frames := strings.Split(out.String(), "\x1b[J")
	for i, want := range []string{
		"1 of 1 layer, 0 B\x1b[K\n", // drawn at once, and not again in the same instant
		"\r\x1b[1Abbbbbbbbbbbb downloading [===                             ] 1 MB / 10 MB\x1b[K\n1 of 4 layers, 1 MB, 2 MB/s\x1b[K\n",
		"\r\x1b[2Abbbbbbbbbbbb downloading [===                             ] 1 MB / 10 MB\x1b[K\n" +
			"cccccccccccc downloading [================                ] 3 MB / 6 MB\x1b[K\n1 of 4 layers, 4 MB, 4 MB/s\x1b[K\n",
		"\r\x1b[3Abbbbbbbbbbbb downloading [================================] 10 MB / 10 MB\x1b[K\n" +
			"cccccccccccc downloading [================                ] 3 MB / 6 MB\x1b[K\n1 of 4 layers, 13 MB, 6.5 MB/s\x1b[K\n",
		"\r\x1b[3Abbbbbbbbbbbb extracting  [================                ] 5 MB / 10 MB\x1b[K\n" +
			"cccccccccccc downloading [================                ] 3 MB / 6 MB\x1b[K\n2 of 4 layers, 13 MB of 16 MB, 5.2 MB/s, 1 s left\x1b[K\n",
		"\r\x1b[3Acccccccccccc downloading [================                ] 3 MB / 6 MB\x1b[K\n3 of 4 layers, 13 MB of 16 MB, 4.3 MB/s, 1 s left\x1b[K\n",
		"\r\x1b[2Acccccccccccc downloading [================================] 6 MB / 6 MB\x1b[K\n3 of 4 layers, 16 MB of 16 MB\x1b[K\n",
		"\r\x1b[2A4 of 4 layers, 16 MB of 16 MB\x1b[K\n",
		"\r\x1b[1A", // all is taken away
		"pulled web: 4 layers (1 already present), 16 MB in 4 s, 4 MB/s\n",
	} {
		if i >= len(frames) || frames[i] != want {
			t.Fatalf("frame %d of %d:\n%q\nwant\n%q", i, len(frames), frames[min(i, len(frames)-1)], want)
		}
	}
	if len(frames) != 10 {
		t.Errorf("%d frames", len(frames))
	}
}

// TestScreenFits draws many layers on screens of all sizes: nothing may wrap
// or scroll.
func TestScreenFits(t *testing.T) {
	for _, size := range [][2]int{{200, 50}, {80, 24}, {60, 10}, {40, 5}, {10, 3}, {2, 2}} {
		columns, rows := size[0], size[1]
		r, c, out := newScreenReport(columns, rows)
		for i := range 30 {
			c.play([]tick{step(tenth, fmt.Sprintf("layer%07d", i), images.Downloading, int64(i)*mb, 40*mb)}, r)
		}
		r.end(errors.New("no"))
		for frame := range strings.SplitSeq(out.String(), "\x1b[J") {
			lines := strings.Split(strings.TrimSuffix(frame, "\n"), "\x1b[K\n")
			if len(lines) > rows {
				t.Fatalf("%d lines on %d rows", len(lines), rows)
			}
			for _, line := range lines {
				if i := strings.Index(line, "A"); strings.HasPrefix(line, "\r\x1b[") {
					line = line[i+1:]
				}
				if n := len([]rune(strings.TrimSuffix(line, "\x1b[K"))); n >= columns {
					t.Fatalf("%d characters on %d columns: %q", n, columns, line)
				}
			}
		}
	}
}

func TestLayerLineWithoutTotal(t *testing.T) {
	l := pulledLayer{id: "abc", phase: images.Downloading, step: 5 * mb}
	if got, want := l.line(80), "abc          downloading 5 MB"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	l.steps, l.step = 4*mb, 5*mb // more than there is
	if got, want := l.line(60), "abc          downloading [============] 5 MB / 4 MB"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestProgressAtTerminal has a real terminal: it is drawn on, unless it cannot
// be or its lines are needed.
func TestProgressAtTerminal(t *testing.T) {
	for name, test := range map[string]struct {
		term  string
		debug bool
		drawn bool
	}{
		"xterm": {"xterm", false, true},
		"dumb":  {"dumb", false, false},
		"debug": {"xterm", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			screen, tty := openPTY(t)
			if err := pty.Setsize(screen, &pty.Winsize{Rows: 10, Cols: 50}); err != nil {
				t.Fatal(err)
			}
			te := newTestEnv(t)
			te.environ["TERM"] = test.term
			c := &clock{at: day(1)}
			te.now = c.now
			e := te.env(nil, io.Discard, tty)
			e.debug = test.debug
			got := make(chan string, 1)
			go func() {
				text, _ := io.ReadAll(screen) // ends with an error when the other end is closed
				got <- string(text)
			}()
			r := e.newPullReport("web")
			c.play(recorded(), r)
			r.end(nil)
			tty.Close()
			text := <-got
			if drawn := strings.Contains(text, "\x1b["); drawn != test.drawn {
				t.Errorf("drawn: %v\n%q", drawn, text)
			}
			if !strings.HasSuffix(text, "16 MB in 4 s, 4 MB/s\r\n") || strings.Contains(text, "[==========") {
				t.Errorf("got %q", text)
			}
		})
	}
}
