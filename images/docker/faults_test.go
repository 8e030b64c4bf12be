package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/projectatomic/atomic/images"
)

// TestHanging has an engine that takes the question and never answers.
func TestHanging(t *testing.T) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, o := range ops() {
		for _, ping := range []bool{true, false} {
			s := newServer(t, "1.47")
			s.on("", s.hangs)
			if ping {
				s.on("/_ping", pings)
			}
			all.Go(func() { hanging(t, fmt.Sprintf("%s, answers a ping: %v", o.name, ping), o, s) })
		}
	}
}

func hanging(t *testing.T, what string, o op, s *server) {
	wantKind(t, what, o.call(t.Context(), openLimited(t, s.host, quick())), images.ErrTimeout)

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(step, cancel)
	err := o.call(ctx, openLimited(t, s.host, patient()))
	if o.name == "Events" && err == nil {
		return // for it a context that ends is the end
	}
	wantKind(t, what+", cancelled", err, nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%s, cancelled: %v", what, err)
	}
}

// TestLying has an engine that answers with what is no answer.
func TestLying(t *testing.T) {
	valid := map[string]bool{} // calls for which an answer without words will do
	for _, name := range []string{"Tag", "RemoveImage", "Rename", "Remove", "Start", "Stop", "Kill", "Events", "Containers", "Images"} {
		valid[name] = true
	}
	for _, c := range []struct {
		what   string
		answer http.HandlerFunc
		kind   error
		valid  bool // for some
	}{
		{"an empty object", gives(`{}`), nil, true},
		{"null", gives(`null`), nil, true},
		{"a page", gives(`<html>busy</html>`), nil, true},
		{"a string", gives(`"yes"`), nil, true},
		{"JSON without end", func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte(`[{"Id":"`))
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, nil, true},
		{"a fault", says(http.StatusInternalServerError, "out of order"), nil, false},
		{"a fault without words", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, nil, false},
		{"a route that is not there", says(http.StatusNotFound, "page not found"), nil, false},
	} {
		for _, o := range ops() {
			if c.what == "JSON without end" && (o.name == "Save" || o.name == "Logs") {
				continue // an archive or a log without end, for all one knows
			}
			s := newServer(t, "1.47")
			s.on("", c.answer)
			s.on("/_ping", pings)
			err := o.call(t.Context(), openLimited(t, s.host, patient()))
			if err == nil && c.valid && valid[o.name] {
				continue
			}
			if o.name == "Events" && errors.Is(err, images.ErrUnreachable) || errors.Is(err, io.EOF) {
				continue // the stream ended, whatever it said
			}
			wantKind(t, o.name+" of "+c.what, err, c.kind)
		}
	}
}

// TestDying has an engine that dies before, in and after the head of the
// answer.
func TestDying(t *testing.T) {
	for what, words := range map[string]string{
		"at once":       "",
		"in the head":   "HTTP/1.1 200 OK\r\nContent-",
		"in the answer": "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[{\"Id\":\"sha256:",
		"in a chunk":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{\"stat",
	} {
		for _, o := range ops() {
			if strings.HasPrefix(what, "in the answer") || what == "in a chunk" {
				switch o.name {
				case "Tag", "Rename", "Remove", "Start", "Stop", "Kill", "Wait", "Attach":
					continue // the status says all, or the answer is to be no 200
				}
			}
			s := newServer(t, "1.47")
			s.on("", func(w http.ResponseWriter, _ *http.Request) {
				c, _, _ := w.(http.Hijacker).Hijack()
				io.WriteString(c, words)
				c.Close()
			})
			s.on("/_ping", pings)
			wantKind(t, o.name+", dies "+what, o.call(t.Context(), openLimited(t, s.host, patient())), images.ErrUnreachable)
		}
	}
}

// TestNotThere has hosts where no engine answers.
func TestNotThere(t *testing.T) {
	closed := listen(t)
	closed.(*net.UnixListener).SetUnlinkOnClose(false)
	closed.Close()
	hosts := map[string]struct {
		host string
		kind error
	}{
		"no socket":        {"unix:///nonexistent/engine.sock", images.ErrUnreachable},
		"a dead socket":    {"unix://" + closed.Addr().String(), images.ErrUnreachable},
		"a plain file":     {"unix://" + os.Args[0], images.ErrUnreachable},
		"a closed port":    {"tcp://127.0.0.1:1", images.ErrUnreachable},
		"no Docker":        {pinged(t, func(http.ResponseWriter, *http.Request) {}), images.ErrUnreachable},
		"no such route":    {pinged(t, http.NotFound), images.ErrUnreachable},
		"a login":          {pinged(t, says(http.StatusUnauthorized, "who are you?")), images.ErrDenied},
		"a refusal":        {pinged(t, says(http.StatusForbidden, "authorization denied by plugin")), images.ErrDenied},
		"a sick engine":    {pinged(t, says(http.StatusInternalServerError, "starting")), images.ErrUnreachable},
		"too old":          {newServer(t, "1.24").host, images.ErrUnreachable},
		"another protocol": {"unix://" + chatter(t), images.ErrUnreachable},
	}
	for what, c := range hosts {
		for _, o := range ops() {
			wantKind(t, o.name+" of "+what, o.call(t.Context(), openLimited(t, c.host, patient())), c.kind)
		}
	}
}

// pinged is a server that answers a ping so.
func pinged(t *testing.T, h http.HandlerFunc) (host string) {
	s := newServer(t, "1.47")
	s.on("/_ping", h)
	return s.host
}

// chatter speaks something else than HTTP.
func chatter(t *testing.T) (path string) {
	l := listen(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 1))
			io.WriteString(c, "220 mail.example.com ESMTP\r\n")
			c.Close()
		}
	}()
	return l.Addr().String()
}

// TestDenied has a socket that may not be opened.
func TestDenied(t *testing.T) {
	if os.Getuid() != 0 {
		l := listen(t)
		if err := os.Chmod(l.Addr().String(), 0); err != nil {
			t.Fatal(err)
		}
		for _, o := range ops() {
			wantKind(t, o.name, o.call(t.Context(), openLimited(t, "unix://"+l.Addr().String(), patient())), images.ErrDenied)
		}
		return
	}
	// Root opens every door; the kernel's answer has to be made up.
	denied := &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", syscall.EACCES)}
	for _, o := range ops() {
		e := openLimited(t, "unix:///nonexistent/engine.sock", patient())
		e.cli = deniedClient(t, denied)
		wantKind(t, o.name, o.call(t.Context(), e), images.ErrDenied)
	}
}
