package podman

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/projectatomic/atomic/images"
)

const died = `{"Type":"container","Action":"died","Actor":{"ID":"abc","Attributes":{"containerExitCode":"1"}}}
{"Type":"container","Action":"died","Actor":{"ID":"abc","Attributes":{"containerExitCode":"6"}}}
`

// waitFor waits for container x, which is started when it does not run.
func waitFor(t *testing.T, answers map[string]http.HandlerFunc, runs bool) (images.Exit, *fake) {
	t.Helper()
	answers["POST /containers/x/start"] = says(204, "")
	f := newFake(t, answers)
	e := f.engine(t)
	exits, err := e.Wait(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	if !runs {
		if err := e.Start(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
	}
	return <-exits, f
}

func TestWaitLearns(t *testing.T) {
	created, running := says(200, container("created", 0, false)), says(200, container("running", 0, false))
	exited := func(code int) http.HandlerFunc { return says(200, container("exited", code, false)) }
	gone := refuses(404, "no such container", "no such container")
	for name, c := range map[string]struct {
		looks  []http.HandlerFunc
		wait   http.HandlerFunc
		events http.HandlerFunc
		runs   bool
		code   int
		kind   error
		fails  bool
	}{
		"from the service":              {looks: []http.HandlerFunc{running}, wait: says(200, "3\n"), runs: true, code: 3},
		"from a start of ours":          {looks: []http.HandlerFunc{created}, wait: says(200, "4\n"), code: 4},
		"that 0 was not known":          {looks: []http.HandlerFunc{running, exited(5)}, wait: says(200, "0\n"), runs: true, code: 5},
		"that 0 is true":                {looks: []http.HandlerFunc{running, exited(0)}, wait: says(200, "0\n"), runs: true},
		"that -1 is gone, from events":  {looks: []http.HandlerFunc{running, gone}, wait: says(200, "-1\n"), events: says(200, died), runs: true, code: 6},
		"that it was late, from events": {looks: []http.HandlerFunc{running, gone}, wait: gone, events: says(200, died), runs: true, code: 6},
		"0, without events":             {looks: []http.HandlerFunc{running, gone}, wait: says(200, "0\n"), events: refuses(500, "", "no events here"), runs: true},
		"nothing, without events":       {looks: []http.HandlerFunc{running, gone}, wait: gone, events: says(200, ""), runs: true, kind: images.ErrNotFound, fails: true},
		"that the service died":         {looks: []http.HandlerFunc{running}, wait: dies(""), runs: true, kind: images.ErrUnreachable, fails: true},
		"that it died while it looked":  {looks: []http.HandlerFunc{running, dies("")}, wait: says(200, "0\n"), runs: true, kind: images.ErrUnreachable, fails: true},
		"nonsense":                      {looks: []http.HandlerFunc{running}, wait: says(200, "many\n"), runs: true, fails: true},
	} {
		exit, _ := waitFor(t, map[string]http.HandlerFunc{
			"GET /containers/x/json":    inTurn(c.looks...),
			"GET /containers/abc/json":  inTurn(c.looks[1:]...),
			"POST /containers/abc/wait": c.wait,
			"GET /events":               c.events,
		}, c.runs)
		if c.fails {
			isOnly(t, name, exit.Err, c.kind)
			continue
		}
		if exit.Err != nil || exit.Code != c.code {
			t.Errorf("%s: got %+v, want %d", name, exit, c.code)
		}
	}
}

// A start by somebody else is found by looking.
func TestWaitLooks(t *testing.T) {
	created := says(200, container("created", 0, false))
	exit, _ := waitFor(t, map[string]http.HandlerFunc{
		"GET /containers/x/json":    created,
		"GET /containers/abc/json":  inTurn(created, created, says(200, container("exited", 7, false))),
		"POST /containers/abc/wait": says(200, "7\n"),
	}, true)
	if exit.Err != nil || exit.Code != 7 {
		t.Errorf("got %+v", exit)
	}
	// One that is removed instead never ran.
	exit, _ = waitFor(t, map[string]http.HandlerFunc{
		"GET /containers/x/json":   created,
		"GET /containers/abc/json": inTurn(created, refuses(404, "no such container", "gone")),
		"GET /events":              says(200, ""),
	}, true)
	isOnly(t, "removed", exit.Err, images.ErrNotFound)
}

// What a session saw is enough, and is not taken for another run.
func TestWaitIsTold(t *testing.T) {
	const old, new = `"StartedAt":"2026-11-21T01:00:00Z"`, `"StartedAt":"2026-11-21T02:00:00Z"`
	answer := func(started string) http.HandlerFunc {
		return says(200, `{"Id":"abc","Name":"x","State":{"Status":"exited","ExitCode":8,`+started+`}}`)
	}
	f := newFake(t, map[string]http.HandlerFunc{
		"GET /containers/x/json":    inTurn(answer(old), answer(old), answer(new)),
		"GET /containers/abc/json":  inTurn(answer(old)),
		"POST /containers/abc/wait": hangs,
		"POST /containers/x/start":  says(204, ""),
	})
	e := f.engine(t)
	exits, err := e.Wait(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	a := attached{e: e, name: "x"}
	a.look(t.Context()) // the old run
	if err := e.Start(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	select {
	case exit := <-exits:
		t.Fatalf("the old run was reported: %+v", exit)
	default:
	}
	a.look(t.Context())
	if exit := <-exits; exit.Err != nil || exit.Code != 8 {
		t.Errorf("got %+v", exit)
	}
}

// A run from Create to the exit status is five requests.
func TestRequestsOfARun(t *testing.T) {
	f := newFake(t, map[string]http.HandlerFunc{
		"POST /containers/create":     says(201, `{"Id":"abc"}`),
		"POST /containers/abc/attach": upgrades(prints(frame(1, "x"))),
		"POST /containers/abc/start":  says(204, ""),
		"POST /containers/abc/wait":   hangs,
		"GET /containers/abc/json":    says(200, container("stopped", 9, false)),
	})
	e := f.engine(t)
	if code := runToEnd(t, e, runSpec(), nil); code != 9 {
		t.Errorf("exit status %d", code)
	}
	want := "POST /containers/create, POST /containers/abc/attach, POST /containers/abc/start, GET /containers/abc/json"
	var got []string
	for _, r := range f.asked() {
		if r != "POST /containers/abc/wait" { // comes when it comes
			got = append(got, r)
		}
	}
	if strings.Join(got, ", ") != want || len(f.asked()) > 5 {
		t.Errorf("asked %q", f.asked())
	}
}

func TestWaitContext(t *testing.T) {
	for _, status := range []string{"created", "running"} {
		f := newFake(t, map[string]http.HandlerFunc{
			"GET /containers/x/json": says(200, container(status, 0, false)), "GET /containers/abc/json": says(200, container(status, 0, false)),
			"POST /containers/abc/wait": hangs,
		})
		ctx, cancel := context.WithCancel(t.Context())
		exits, err := f.engine(t).Wait(ctx, "x")
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if exit := <-exits; !errors.Is(exit.Err, context.Canceled) {
			t.Errorf("%s: got %+v", status, exit)
		}
	}
}
