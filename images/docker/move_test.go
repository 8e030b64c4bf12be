package docker

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/pkg/authconfig"

	"github.com/projectatomic/atomic/images"
)

// drips answers slowly, and then either ends or stops.
func drips(part string, times int, stops bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for range times {
			io.WriteString(w, part)
			w.(http.Flusher).Flush()
			select {
			case <-time.After(step):
			case <-r.Context().Done():
				return
			}
		}
		if stops {
			<-r.Context().Done()
		}
	}
}

// TestStall has engines that are slow, which is fine, and that stop.
func TestStall(t *testing.T) {
	zeros := strings.Repeat("\x00", tarEnd)
	var all sync.WaitGroup
	defer all.Wait()
	for _, stops := range []bool{false, true} {
		s := newServer(t, "1.47")
		var known atomic.Bool
		s.on("/images/x/json", func(w http.ResponseWriter, r *http.Request) {
			if !known.Swap(true) {
				says(404, "No such image: x")(w, r)
				return
			}
			gives(`{"Id":"sha256:1"}`)(w, r)
		})
		s.on("/images/x", gives(`[]`))
		s.on("/images/create", drips(`{"status":"Downloading","id":"1"}`, 6, stops))
		s.on("/images/get", drips(zeros, 6, stops))
		s.on("/images/load", drips(`{"stream":"Loaded image: x\n"}`, 6, stops))
		s.on("/box/json", boxed("running", true))
		s.on("/logs", drips(frame(1, "line\n"), 6, stops))
		e := openLimited(t, s.host, quick())
		for _, o := range ops() {
			switch o.name {
			case "Pull", "Save", "Load", "Logs":
			default:
				continue
			}
			all.Go(func() {
				err := o.call(t.Context(), e)
				if stops {
					wantKind(t, o.name+" that stops", err, images.ErrTimeout)
				} else if err != nil {
					t.Errorf("%s, slow: %v", o.name, err)
				}
			})
		}
	}
}

// slow is a reader and a writer that take longer than an engine may.
type slow struct{ io.Reader }

func (s slow) Read(p []byte) (int, error) {
	time.Sleep(late)
	return s.Reader.Read(p)
}

func (s slow) Write(p []byte) (int, error) {
	time.Sleep(late)
	return len(p), nil
}

// TestStallOfTheCaller is the caller's own business.
func TestStallOfTheCaller(t *testing.T) {
	s := newServer(t, "1.47")
	s.on("/images/get", gives(strings.Repeat("\x00", tarEnd)))
	s.on("/images/load", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		gives(`{"stream":"Loaded image: x\n"}`)(w, r)
	})
	e := openLimited(t, s.host, quick())
	if err := e.Save(t.Context(), []string{"x"}, slow{}); err != nil {
		t.Errorf("Save: %v", err)
	}
	if _, err := e.Load(t.Context(), slow{strings.NewReader("tar")}); err != nil {
		t.Errorf("Load: %v", err)
	}
}

// TestLogsFollow says nothing for as long as there is nothing to say.
func TestLogsFollow(t *testing.T) {
	s := newServer(t, "1.47")
	s.on("/json", boxed("running", true))
	s.on("/logs", func(w http.ResponseWriter, r *http.Request) {
		want := "follow=1&since=1577836800.000000007&stderr=1&stdout=1&tail=5&timestamps=1"
		if got := r.URL.Query().Encode(); got != want {
			t.Errorf("asked %s, want %s", got, want)
		}
		w.(http.Flusher).Flush()
		time.Sleep(late)
		io.WriteString(w, frame(2, "late"))
	})
	var out, errs bytes.Buffer
	err := openLimited(t, s.host, quick()).Logs(t.Context(), "box", images.LogOptions{
		Follow: true, Tail: 5, Timestamps: true, Since: time.Date(2020, 1, 1, 0, 0, 0, 7, time.UTC),
	}, &out, &errs)
	if err != nil || out.String() != "" || errs.String() != "late" {
		t.Errorf("got %q, %q, %v", out.String(), errs.String(), err)
	}
}

// TestPullRequest says to whom, for which platform and who asks.
func TestPullRequest(t *testing.T) {
	for _, c := range []struct {
		ref   string
		opts  images.PullOptions
		query string
		auth  string
	}{
		{"x", images.PullOptions{}, "fromImage=docker.io%2Flibrary%2Fx&tag=latest", ""},
		{"host:5000/a/x:v1", images.PullOptions{Platform: "linux/arm/v7"}, "fromImage=host%3A5000%2Fa%2Fx&platform=linux%2Farm%2Fv7&tag=v1", ""},
		{"x@sha256:" + containerID, images.PullOptions{}, "fromImage=docker.io%2Flibrary%2Fx&tag=sha256%3A" + containerID, ""},
		{"x", images.PullOptions{Auth: &images.Credentials{Username: "me", Password: "secret"}}, "fromImage=docker.io%2Flibrary%2Fx&tag=latest", "me secret  https://index.docker.io/v1/"},
		{"host/x", images.PullOptions{Auth: &images.Credentials{IdentityToken: "token"}}, "fromImage=docker.io%2Fhost%2Fx&tag=latest", "  token https://index.docker.io/v1/"},
		{"host.com/x", images.PullOptions{Auth: &images.Credentials{IdentityToken: "token"}}, "fromImage=host.com%2Fx&tag=latest", "  token host.com"},
	} {
		s := newServer(t, "1.47")
		s.on("/json", gives(`{"Id":"sha256:1"}`))
		s.on("/images/create", func(_ http.ResponseWriter, r *http.Request) {
			if got := r.URL.Query().Encode(); got != c.query {
				t.Errorf("%s: asked %s, want %s", c.ref, got, c.query)
			}
			a, err := authconfig.Decode(r.Header.Get("X-Registry-Auth"))
			if err != nil {
				t.Errorf("%s: credentials: %v", c.ref, err)
			}
			if got := strings.Join([]string{a.Username, a.Password, a.IdentityToken, a.ServerAddress}, " "); strings.TrimSpace(got) != strings.TrimSpace(c.auth) {
				t.Errorf("%s: credentials %q, want %q", c.ref, got, c.auth)
			}
		})
		if id, err := openLimited(t, s.host, patient()).Pull(t.Context(), c.ref, c.opts); err != nil || id != "sha256:1" {
			t.Errorf("%s: %q, %v", c.ref, id, err)
		}
	}
	for _, ref := range []string{"", "UPPER", "a b", "../x", containerID} {
		if _, err := openLimited(t, "unix:///nonexistent/s", patient()).Pull(t.Context(), ref, images.PullOptions{}); errors.Is(err, images.ErrUnreachable) {
			t.Errorf("%q was asked for", ref)
		}
	}
}

// TestPullTakesBack has an engine that gave the name a moment before the pull
// was broken off.
func TestPullTakesBack(t *testing.T) {
	for what, c := range map[string]struct {
		had  string
		has  string
		undo []string
	}{
		"a new name":         {"", "sha256:2", []string{"DELETE /images/x"}},
		"a name that moved":  {"sha256:1", "sha256:2", []string{"POST /images/sha256:1/tag"}},
		"a name that stayed": {"sha256:1", "sha256:1", nil},
		"no name":            {"", "", nil},
	} {
		s := newServer(t, "1.47")
		id := func(id string) http.HandlerFunc {
			if id == "" {
				return says(404, "No such image: x")
			}
			return gives(`{"Id":"` + id + `"}`)
		}
		s.on("/images/x/json", id(c.had))
		s.on("/images/create", func(w http.ResponseWriter, r *http.Request) {
			s.on("/images/x/json", id(c.has))
			gives(`{"error":"broken off"}`)(w, r)
		})
		s.on("/images/x", gives(`[]`))
		s.on("/tag", gives(``))
		_, err := openLimited(t, s.host, patient()).Pull(t.Context(), "x", images.PullOptions{})
		wantKind(t, what, err, nil)
		want := append([]string{"HEAD /_ping", "GET /images/x/json", "POST /images/create", "GET /images/x/json"}, c.undo...)
		if d := cmp.Diff(want, s.seen()); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
}

// TestLoadBroken has each way in which sending an archive ends early.
func TestLoadBroken(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("", func(t *testing.T) {
		reads := func(f func(w http.ResponseWriter)) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				// Else the server reads on before it answers.
				http.NewResponseController(w).EnableFullDuplex()
				io.ReadFull(r.Body, make([]byte, 3))
				f(w)
			}
		}
		dies := func(w http.ResponseWriter) {
			c, _, _ := w.(http.Hijacker).Hijack()
			c.Close()
		}
		refuses := func(w http.ResponseWriter) { says(500, "no space left")(w, nil) }
		broken := errors.New("broken on purpose")
		for _, c := range []struct {
			what   string
			answer http.HandlerFunc
			cancel bool
			broken bool
			kind   error
			is     error
		}{
			{"the engine dies", reads(dies), false, false, images.ErrUnreachable, nil},
			{"the engine refuses", reads(refuses), false, false, nil, nil},
			{"the caller gives up", nil, true, false, nil, context.Canceled},
			{"the caller's reader fails", reads(func(http.ResponseWriter) {}), false, true, nil, broken},
		} {
			s := newServer(t, "1.47")
			if s.on("/images/load", s.hangs); c.answer != nil {
				s.on("/images/load", c.answer)
			}
			r, w := io.Pipe()
			go func() {
				io.WriteString(w, "tar")
				if c.broken {
					w.CloseWithError(broken)
				}
			}()
			ctx, cancel := context.WithCancel(t.Context())
			if c.cancel {
				time.AfterFunc(step, cancel)
			}
			e := openLimited(t, s.host, patient())
			_, err := e.Load(ctx, r)
			wantKind(t, c.what, err, c.kind)
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%s: got %v, want %v", c.what, err, c.is)
			}
			cancel()
			w.Close() // the reader that was left alone reads once more
		}
	})
	settleGoroutines(t, before)
}

// TestEvents listens until it is over.
func TestEvents(t *testing.T) {
	const one = `{"Type":"container","Action":"start","Actor":{"ID":"1","Attributes":{"name":"box","image":"x"}},"time":1577836800,"timeNano":1577836800000000007}` + "\n"
	s := newServer(t, "1.47")
	s.on("/events", func(w http.ResponseWriter, r *http.Request) {
		if got, want := r.URL.Query().Get("filters"), `{"type":{"container":true,"image":true}}`; got != want {
			t.Errorf("asked for %s, want %s", got, want)
		}
		w.(http.Flusher).Flush()
		time.Sleep(late) // longer than a question may take
		io.WriteString(w, one+one)
	})
	e := openLimited(t, s.host, quick())
	var got []images.Event
	ready := 0
	err := e.Events(t.Context(), func() { ready++ }, func(ev images.Event) { got = append(got, ev) })
	wantKind(t, "the engine ended", err, images.ErrUnreachable)
	ev := images.Event{Type: "container", Action: "start", ID: "1", Name: "box", Time: time.Unix(1577836800, 7)}
	if d := cmp.Diff([]images.Event{ev, ev}, got); d != "" || ready != 1 {
		t.Errorf("ready %d times (-want +got):\n%s", ready, d)
	}

	ctx, cancel := context.WithCancel(t.Context())
	if err := e.Events(ctx, cancel, func(images.Event) {}); err != nil {
		t.Errorf("the caller ended: %v", err)
	}

	s.on("/events", says(500, "sick"))
	err = e.Events(t.Context(), func() { t.Error("ready without an engine") }, func(images.Event) {})
	wantKind(t, "the engine refuses", err, nil)
}

// TestBody bounds what is kept of an answer, connection by connection.
func TestBody(t *testing.T) {
	s := newServer(t, "1.47")
	large := strings.Repeat(" ", 1<<20) + "[]"
	s.on("/images/json", gives(large))
	s.on("/containers/json", gives(`[]`))
	s.on("/images/get", gives(large+strings.Repeat("\x00", tarEnd)))
	e := openLimited(t, s.host, patient())
	for range 3 {
		if err := e.Save(t.Context(), []string{"x"}, io.Discard); err != nil {
			t.Errorf("an archive: %v", err)
		}
		if _, err := e.Images(t.Context()); !errors.Is(err, errTooLong) {
			t.Errorf("a long list: %v", err)
		}
		if _, err := e.Containers(t.Context()); err != nil {
			t.Errorf("a short list after it: %v", err)
		}
	}
}

func TestMain(m *testing.M) {
	// The environment is that of the tests.
	for _, name := range []string{"DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_API_VERSION"} {
		os.Unsetenv(name)
	}
	os.Exit(m.Run())
}
