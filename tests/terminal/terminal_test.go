// Package terminal_test runs the finished command on a terminal, with real
// engines.
package terminal_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/images/enginetest"
	"github.com/projectatomic/atomic/tests/system/built"
)

func TestMain(m *testing.M) { built.Main(m) }

// prompt is what the shell in the test image prints.
const prompt = "ready> "

// reader is a shell that leaves it to the terminal to echo and to edit what is
// typed. Those that do it themselves draw it more than once.
const reader = `while printf "$PS1" && read -r line; do eval "$line"; done`

// load gives the engine an image whose program wants a terminal.
func load(w *built.World, image, script string) {
	w.Load(image, enginetest.ImageOptions{
		Labels: map[string]string{"RUN": "docker run -it --net=none --name NAME IMAGE"},
		Env:    []string{"PS1=" + prompt},
		Cmd:    []string{"sh", "-c", script},
	})
}

func TestShell(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		const image = "terminal/shell"
		load(w, image, reader)
		s := open(t, w, 24, 80, "run", image)
		s.expect(fmt.Sprintf("%s run -it --net=none --name shell %s", w.Kind, image))
		s.expect(prompt)
		s.enter("echo $((6*7))")
		s.expect("echo $((6*7))\r\n42\r\n" + prompt)
		if during := s.settings(); during == s.before {
			t.Error("the terminal is not in raw mode")
		}
		s.enter("tty; exit 3")
		s.expect("/dev/")
		s.ends(3)
		if c := w.Container("shell"); c.State != images.Exited || !c.TTY {
			t.Errorf("the container is %s, with a terminal: %v", c.State, c.TTY)
		}

		// Entered again, it is attached again.
		s = open(t, w, 24, 80, "run", image)
		s.expect("start -a -i shell")
		s.expect(prompt)
		s.enter("exit 5")
		s.ends(5)
	})
}

// Keys that mean something to a terminal mean it to the container's.
func TestInterruptKey(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		const image = "terminal/interrupt"
		load(w, image, `trap "echo got it; exit 8" INT; echo sleeps; while :; do sleep 0.05; done`)
		s := open(t, w, 24, 80, "run", image)
		s.expect("sleeps")
		s.press(ctrlC)
		s.expect("got it")
		s.ends(8)
	})
}

// The end of what is typed reaches the container as well.
func TestEndKey(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		const image = "terminal/end"
		load(w, image, reader+"; exit 9")
		s := open(t, w, 24, 80, "run", image)
		s.expect(prompt)
		s.press(ctrlD)
		s.ends(9)
	})
}

// sized makes the shell wait until its terminal has a size.
func (s *screen) sized(size, then string) {
	s.t.Helper()
	half := len(then) / 2
	s.enter(fmt.Sprintf(`until [ "$(stty size)" = "%s" ]; do sleep 0.05; done; echo %s''%s`, size, then[:half], then[half:]))
	s.expect(then)
}

func TestWindowSize(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		const image = "terminal/window"
		load(w, image, reader)
		s := open(t, w, 41, 203, "run", image)
		s.expect(prompt)
		s.sized("41 203", "begins")
		s.resize(50, 232)
		s.sized("50 232", "changed")
		s.enter("exit")
		s.ends(0)
	})
}

func TestDetach(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		const image = "terminal/detach"
		load(w, image, reader)
		s := open(t, w, 24, 132, "run", image)
		s.expect(prompt)
		s.enter("left=behind; echo o''k")
		s.expect("ok\r\n" + prompt)
		s.press(detach)
		s.expect("Detached; container detach goes on running")
		s.ends(0)
		if !w.Running("detach") {
			t.Fatal("the container does not run any more")
		}

		// Entered while it runs, it opens another shell, with a terminal of
		// the right size.
		s = open(t, w, 33, 132, "run", image)
		s.expect("exec -t -i detach sh")
		s.expect(prompt)
		s.enter(`test -t 0 && echo "has a terminal$left."`)
		s.expect("has a terminal.\r\n")
		s.sized("33 132", "as large")
		s.enter("exit 4")
		s.ends(4)
		if !w.Running("detach") {
			t.Error("the end of the second shell ended the container")
		}

		// A command is run in it too.
		s = open(t, w, 24, 80, "run", image, "sh", "-c", "test -t 0 && exit 6")
		s.ends(6)

		// And detaching from the second shell is no end either.
		s = open(t, w, 24, 80, "run", image)
		s.expect(prompt)
		s.press(detach)
		s.ends(0)
	})
}

// A signal that ends the command leaves a terminal that can be used.
func TestTerminated(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		const image = "terminal/terminated"
		load(w, image, reader)
		s := open(t, w, 24, 80, "run", image)
		s.expect(prompt)
		if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		s.ends(128 + int(syscall.SIGTERM))
	})
}

// So does an engine that removes the container from under it.
func TestRemovedUnderneath(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		const image = "terminal/removed"
		load(w, image, reader)
		s := open(t, w, 24, 80, "run", image)
		s.expect(prompt)
		if err := w.Engine.Remove(context.Background(), "removed", true); err != nil {
			t.Fatal(err)
		}
		s.ends(128 + int(syscall.SIGKILL))
	})
}

// A tool of the kept container is run without a second container.
func TestToolInKeptShell(t *testing.T) {
	built.Each(t, func(t *testing.T, w *built.World) {
		const image = "terminal/kept"
		load(w, image, reader)
		s := open(t, w, 24, 80, "run", image)
		s.expect(prompt)
		s.enter("echo a change > /made; exit")
		s.ends(0)

		s = open(t, w, 24, 80, "run", image, "cat", "/made")
		s.expect("a change\r\n")
		s.ends(0)
	})
}
