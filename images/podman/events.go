package podman

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/projectatomic/atomic/images"
)

// An eventAnswer is an event as the service tells it.
type eventAnswer struct {
	Type   string
	Action string
	Actor  struct {
		ID         string
		Attributes map[string]string
	}
	Time int64 `json:"timeNano"`
}

// actions are Podman's words where Docker has others.
var actions = map[string]map[string]string{
	"container": {"died": "die", "remove": "destroy", "exec_died": "exec_die", "removed": "destroy"},
	"image":     {"remove": "delete", "loadfromarchive": "load"},
}

// Events reports what happens.
func (e *Engine) Events(ctx context.Context, ready func(), f func(images.Event)) error {
	if err := e.events(ctx, ready, f); ctx.Err() == nil {
		return fmt.Errorf("listening for events: %w", err)
	}
	return nil
}

func (e *Engine) events(ctx context.Context, ready func(), f func(images.Event)) error {
	r := get("/events").with("stream", "true", "filters", `{"type":["container","image"]}`)
	if e.uri.Scheme == "unix" {
		// The service says that it listens before it does. On this machine our
		// clock is its clock, so it can be asked for what it may have missed.
		r = r.with("since", time.Now().Format(time.RFC3339Nano))
	}
	// Only the answer has a time limit, what follows has none.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := time.AfterFunc(e.limits.answer, func() { cancel(images.ErrTimeout) })
	resp, err := e.send(ctx, r)
	late.Stop()
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	ready()
	for d := json.NewDecoder(resp.Body); ; {
		var a eventAnswer
		if err := d.Decode(&a); err != nil {
			return unreachable(ctx, err)
		}
		if a.Type != "container" && a.Type != "image" {
			continue
		}
		f(a.event())
	}
}

func (a eventAnswer) event() images.Event {
	ev := images.Event{
		Type: a.Type, Action: a.Action, ID: a.Actor.ID,
		Name: a.Actor.Attributes["name"], Time: time.Unix(0, a.Time),
	}
	if word, ok := actions[a.Type][a.Action]; ok {
		ev.Action = word
	}
	if a.Type == "image" {
		ev.ID = prefixed(ev.ID)
	}
	return ev
}
