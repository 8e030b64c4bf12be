package docker

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

// TestWait tells an end that is known from one that is not.
func TestWait(t *testing.T) {
	gone := says(404, "No such container: box")
	for _, c := range []struct {
		what   string
		first  http.HandlerFunc // what the container is before
		answer string
		start  bool
		last   http.HandlerFunc // what it is after
		code   int
		kind   error
		fine   bool
	}{
		{"it ran", boxed("running", true), `{"StatusCode":3}`, false, gone, 3, nil, true},
		{"it was started here", boxed("created", false), `{"StatusCode":3}`, true, gone, 3, nil, true},
		{"it was started elsewhere", boxed("exited", false), `{"StatusCode":3}`, false, boxed("exited", false), 3, nil, true},
		{"it was removed", boxed("created", false), `{"StatusCode":0}`, false, gone, 0, nil, false},
		{"the engine has an error", boxed("running", true), `{"StatusCode":125,"Error":{"Message":"disk full"}}`, false, gone, 125, nil, false},
		{"the engine dies", boxed("running", true), `{"Status`, false, gone, 0, images.ErrUnreachable, false},
		{"the engine talks nonsense", boxed("running", true), `<html>`, false, gone, 0, nil, false},
	} {
		s := newServer(t, "1.47")
		s.on("/json", c.first)
		s.on("/start", gives(``))
		end := make(chan struct{})
		s.on("/wait", func(w http.ResponseWriter, r *http.Request) {
			if got := r.URL.Query().Get("condition"); got != "next-exit" {
				t.Errorf("%s: waits for %s", c.what, got)
			}
			w.Header().Set("Content-Length", "100")
			w.(http.Flusher).Flush()
			<-end
			io.WriteString(w, c.answer)
			if strings.HasSuffix(c.answer, "}") {
				io.WriteString(w, strings.Repeat(" ", 100-len(c.answer)))
			}
		})
		e := openLimited(t, s.host, patient())
		exits, err := e.Wait(t.Context(), "box")
		if err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		if c.start {
			if err := e.Start(t.Context(), "box"); err != nil {
				t.Fatal(err)
			}
		}
		s.on("/json", c.last)
		close(end)
		exit := <-exits
		if exit.Code != c.code {
			t.Errorf("%s: exit status %d, want %d", c.what, exit.Code, c.code)
		}
		if c.fine && exit.Err != nil {
			t.Errorf("%s: %v", c.what, exit.Err)
		}
		if !c.fine {
			wantKind(t, c.what, exit.Err, c.kind)
		}
		select {
		case exit := <-exits:
			t.Errorf("%s: told again: %+v", c.what, exit)
		default:
		}
	}
}

// TestWaitCancelled leaves nothing behind.
func TestWaitCancelled(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("", func(t *testing.T) {
		s := newServer(t, "1.47")
		s.on("/json", boxed("running", true))
		s.on("/wait", func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
		e := openLimited(t, s.host, patient())
		ctx, cancel := context.WithCancel(t.Context())
		exits, err := e.Wait(ctx, "box")
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if exit := <-exits; !errors.Is(exit.Err, context.Canceled) {
			t.Errorf("told %+v", exit)
		}
		for end := time.Now().Add(time.Second); ; time.Sleep(time.Millisecond) {
			e.roster.mu.Lock()
			n := len(e.roster.lives)
			e.roster.mu.Unlock()
			if n == 0 {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%d lives are watched", n)
			}
		}
	})
	settleGoroutines(t, before)
}

// TestCreateGivenUp has a caller who does not wait for the container: it is
// not there afterwards.
func TestCreateGivenUp(t *testing.T) {
	s := newServer(t, "1.47")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.on("/create", func(w http.ResponseWriter, r *http.Request) {
		cancel()
		gives(`{"Id":"`+containerID+`"}`)(w, r)
	})
	s.on("/"+containerID, gives(``))
	_, _, err := openLimited(t, s.host, patient()).Create(ctx, run.Spec{Image: "x"})
	if err == nil {
		return // the answer was there before the end was seen
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	want := []string{"HEAD /_ping", "POST /containers/create", "DELETE /containers/ID"}
	if d := cmp.Diff(want, s.seen()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

// TestCreateRefuses does so before it asks the engine.
func TestCreateRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	profile := func(path string) run.Spec {
		return run.Spec{SecurityOpts: []run.Pair{{Name: "seccomp", Value: path}}}
	}
	for _, c := range []struct {
		what string
		spec run.Spec
		want string
	}{
		{"a variable of the caller's", run.Spec{Env: []run.EnvVar{{Name: "HOME", FromCaller: true}}}, "Env HOME"},
		{"a file of variables", run.Spec{EnvFiles: []string{"x"}}, "EnvFiles"},
		{"a file of labels", run.Spec{LabelFiles: []string{"x"}}, "LabelFiles"},
		{"what docker has not", run.Spec{UserNS: "keep-id", DNS: []string{"none"}}, "UserNS"},
		{"a platform that is none", run.Spec{Platform: "arm64"}, "os/architecture"},
		{"no profile", profile(filepath.Join(dir, "nosuch")), "no such file"},
		{"a profile that is a pipe", profile(fifo), "not a regular file"},
		{"a profile that is a directory", profile(dir), "not a regular file"},
		{"a profile that is no JSON", profile(write("text", "hello")), "invalid character"},
		{"a profile that is too large", profile(write("large", strings.Repeat(" ", maxProfile+1))), "larger than"},
	} {
		s := newServer(t, "1.47")
		c.spec.Image, c.spec.Name = "x", "box"
		_, _, err := openLimited(t, s.host, patient()).Create(t.Context(), c.spec)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `"box"`) {
			t.Errorf("%s: error %v, want %q", c.what, err, c.want)
		}
		if len(s.seen()) > 0 {
			t.Errorf("%s: asked %q", c.what, s.seen())
		}
	}
}

// TestCreateProfile sends what is in the file.
func TestCreateProfile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "profile.json")
	if err := os.WriteFile(path, []byte("{\n  \"defaultAction\": \"SCMP_ACT_ALLOW\"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, "1.47")
	var body string
	s.on("/create", func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		body = string(text)
		gives(`{"Id":"`+containerID+`","Warnings":["beware"]}`)(w, r)
	})
	id, warnings, err := openLimited(t, s.host, patient()).Create(t.Context(), run.Spec{
		Image: "x", SecurityOpts: []run.Pair{{Name: "seccomp", Value: path}, {Name: "seccomp", Value: "unconfined"}},
	})
	if err != nil || id != containerID || len(warnings) != 1 || warnings[0] != "beware" {
		t.Errorf("got %q, %q, %v", id, warnings, err)
	}
	if want := `"SecurityOpt":["seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}","seccomp=unconfined"]`; !strings.Contains(body, want) {
		t.Errorf("sent %s, want %s in it", body, want)
	}
}

// TestCreateTooNew refuses what an older engine would ignore, and lets a newer
// have it.
func TestCreateTooNew(t *testing.T) {
	gap := run.Pair{Name: "gw-priority", Value: "3"}
	for api, specs := range map[string][]run.Spec{
		"1.43": {{Annotations: []run.Pair{{Name: "a", Value: "b"}}}},
		"1.44": {
			{Health: run.Health{StartInterval: time.Second}},
			{MAC: "02:00:00:00:00:01"},
			{Networks: []run.Network{{Name: "a"}, {Name: "b"}}},
			{Devices: []run.Device{{Source: "vendor.com/class=a"}}},
			{Mounts: []run.Mount{{Type: run.Bind, Source: "/a", Target: "/b", MustExist: true, Options: []string{"ro", "bind-recursive=readonly"}}}},
		},
		"1.45": {{Mounts: []run.Mount{{Type: run.Volume, Source: "a", Target: "/b", Options: []string{"volume-subpath=c"}}}}},
		"1.48": {{Networks: []run.Network{{Name: "a", Options: []run.Pair{gap}}}}},
	} {
		for _, spec := range specs {
			spec.Image = "x"
			for _, speaks := range []string{"1.41", api, "1.99"} {
				s := newServer(t, speaks)
				s.on("/create", gives(`{"Id":"`+containerID+`"}`))
				_, _, err := openLimited(t, s.host, patient()).Create(t.Context(), spec)
				if speaks != "1.41" && err != nil {
					t.Errorf("API %s, %+v: %v", speaks, spec, err)
				}
				if speaks == "1.41" && (err == nil || !strings.Contains(err.Error(), "needs API "+api)) {
					t.Errorf("API %s, %+v: error %v, want that it needs %s", speaks, spec, err, api)
				}
			}
		}
	}
}

// TestCreateNotFound tells the image from what else may not be there.
func TestCreateNotFound(t *testing.T) {
	for words, kind := range map[string]error{
		"No such image: x:latest":            images.ErrNotFound,
		"no such image: x: No such image: x": images.ErrNotFound,
		"image with reference x was found but does not match the specified platform: wanted linux/s390x, actual: linux/amd64": images.ErrNotFound,
		"No such container: my-image":                                 nil,
		"could not get container for other: No such container: other": nil,
		"network nosuch not found":                                    nil,
		"page not found":                                              nil,
	} {
		s := newServer(t, "1.47")
		s.on("/create", says(404, words))
		_, _, err := openLimited(t, s.host, patient()).Create(t.Context(), run.Spec{Image: "x"})
		wantKind(t, words, err, kind)
	}
}

// TestStartKinds tells a program that is not there from what else may not be.
func TestStartKinds(t *testing.T) {
	for _, c := range []struct {
		status int
		words  string
		kind   error
	}{
		{404, "No such container: box", images.ErrNotFound},
		{404, "network nosuch not found", nil},
		{400, `OCI runtime create failed: runc create failed: unable to start container process: exec: "x": executable file not found in $PATH: unknown`, images.ErrProgramNotFound},
		{500, `OCI runtime create failed: runc create failed: unable to start container process: exec: "/etc": permission denied: unknown`, images.ErrProgramNotExecutable},
		{500, "driver failed programming external connectivity: port is already allocated", nil},
		{500, "error gathering device information while adding custom device \"/dev/x\": no such file or directory", nil},
		{409, "cannot start a paused container, try unpause instead", images.ErrConflict},
	} {
		s := newServer(t, "1.47")
		s.on("/start", says(c.status, c.words))
		err := openLimited(t, s.host, patient()).Start(t.Context(), "box")
		wantKind(t, c.words, err, c.kind)
		if err != nil && !strings.Contains(err.Error(), c.words) {
			t.Errorf("error %q has lost the words %q", err, c.words)
		}
	}
}

// TestStopTime gives the engine the seconds, rounded up, and waits as long.
func TestStopTime(t *testing.T) {
	var all sync.WaitGroup
	defer all.Wait()
	span := func(d time.Duration) *time.Duration { return &d }
	for _, c := range []struct {
		grace   *time.Duration
		own     string // the container's
		seconds string
	}{
		{span(0), "", "0"},
		{span(time.Millisecond), "", "1"},
		{span(1500 * time.Millisecond), "", "2"},
		{span(7 * time.Second), "", "7"},
		{span(-time.Millisecond), "", "-1"},
		{nil, "7", ""},
		{nil, "-1", ""},
		{nil, "null", ""},
	} {
		s := newServer(t, "1.47")
		s.on("/json", gives(`{"Id":"1","State":{},"Config":{"StopTimeout":`+c.own+`},"HostConfig":{}}`))
		s.on("/stop", func(w http.ResponseWriter, r *http.Request) {
			if got := r.URL.Query().Get("t"); got != c.seconds {
				t.Errorf("%v: stops within %q, want %q", c.grace, got, c.seconds)
			}
			time.Sleep(late) // than a question may take
		})
		e := openLimited(t, s.host, quick())
		all.Go(func() {
			err := e.Stop(t.Context(), "box", c.grace)
			if over := c.grace != nil && *c.grace == 0; over != errors.Is(err, images.ErrTimeout) {
				t.Errorf("%v, own %s: %v", c.grace, c.own, err)
			}
		})
	}
}

// TestRemoveUnderWay waits for who came first.
func TestRemoveUnderWay(t *testing.T) {
	for what, c := range map[string]struct {
		wait http.HandlerFunc
		fine bool
	}{
		"it ends":           {gives(`{"StatusCode":0}`), true},
		"it has just ended": {says(404, "No such container: box"), true},
		"it fails":          {gives(`{"StatusCode":0,"Error":{"Message":"device or resource busy"}}`), false},
	} {
		s := newServer(t, "1.47")
		s.on("/containers/box", says(409, "removal of container box is already in progress"))
		s.on("/wait", c.wait)
		if err := openLimited(t, s.host, patient()).Remove(t.Context(), "box", false); (err == nil) != c.fine {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestNames(t *testing.T) {
	e := openLimited(t, "unix:///nonexistent/engine.sock", patient())
	for _, name := range []string{"", "/", "..", "../x", "a/b", "a b", "a?x=1", "a%2f", "-a", "ä", "a\n"} {
		_, err := e.Container(t.Context(), name)
		wantKind(t, "container "+name, err, images.ErrNotFound)
	}
	for _, ref := range []string{"", "..", "../x", "UPPER", "a b", "a?x=1", "a:b:c", "x@sha256:00"} {
		_, err := e.Image(t.Context(), ref)
		wantKind(t, "image "+ref, err, nil)
	}
	for _, name := range []string{"a", "/a", "A_b.c-d", containerID} {
		_, err := e.Container(t.Context(), name)
		wantKind(t, "container "+name, err, images.ErrUnreachable)
	}
}

// TestRoster follows a container under its names.
func TestRoster(t *testing.T) {
	var r roster
	r.add("id1", "one", traits{tty: true})
	if got, ok := r.traits("id1"); !ok || !got.tty {
		t.Errorf("by ID: %+v, %v", got, ok)
	}
	if _, ok := r.traits("one"); ok {
		t.Error("known by a name, which may be another's by now")
	}
	a, b := r.enter("id1"), r.enter("/one")
	if a != b {
		t.Error("the same container has two lives")
	}
	r.renamed("one", "two")
	if c := r.enter("two"); c != a {
		t.Error("renamed, it has another life")
	}
	if c := r.enter("one"); c == a {
		t.Error("its old name still stands for it")
	}
	failed := r.starting("two")
	if got, _ := r.traits("id1"); !got.started || !r.hasRun(a) {
		t.Error("not known to have started")
	}
	failed()
	if got, _ := r.traits("id1"); got.started || r.hasRun(a) {
		t.Error("a start that failed counts")
	}
	r.forget("two")
	if _, ok := r.traits("id1"); ok {
		t.Error("still known after it is gone")
	}
	for range 3 {
		r.leave(a)
	}
	if len(r.lives) != 1 || len(r.ids) != 0 || len(r.made) != 0 {
		t.Errorf("left are %d lives, %d names, %d containers", len(r.lives), len(r.ids), len(r.made))
	}
}

// TestTwoWaits has two who wait: the end counts, not that one gave up.
func TestTwoWaits(t *testing.T) {
	var r roster
	l := r.enter("x")
	r.waiting(l, true)
	r.waiting(l, true)
	told, exit := r.fate(l)
	r.waited(l, images.Exit{Err: context.Canceled})
	select {
	case <-told:
		t.Error("over when one gave up")
	default:
	}
	r.waited(l, images.Exit{Code: 3})
	select {
	case <-told:
		if got := exit(); got != (images.Exit{Code: 3}) {
			t.Errorf("told %+v", got)
		}
	default:
		t.Error("not over at the end")
	}
	r.waiting(l, false)
	if again, _ := r.fate(l); again == told {
		t.Error("the next run is over before it began")
	}
}
