package main

import (
	"context"
	"errors"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

// A container is replaced in steps that can each be undone until the new one
// runs:
//
//	create NAME.new            the old one still runs
//	rename NAME to NAME.old
//	rename NAME.new to NAME
//	stop NAME.old              ports and files are free now
//	start NAME
//	remove NAME.old
//
// A failure takes the steps back. Killed in between, the next run finds NAME,
// or NAME.old without NAME, which it gives its name back.
type replacement struct {
	e    *env
	eng  images.Engine
	name string
	old  images.Container
	id   string // of the new container
}

const (
	newSuffix = ".new"
	oldSuffix = ".old"
)

// putBack gives a container that an interrupted replacement has moved aside its
// name back.
func (e *env) putBack(ctx context.Context, eng images.Engine, there *present, name string) error {
	if there.container != nil || there.old == nil {
		return nil
	}
	e.notef("atomic: a replacement of container %s was interrupted; the old one is back", name)
	if err := eng.Rename(ctx, there.old.ID, name); err != nil {
		return err
	}
	there.old.Name = name
	there.container, there.old = there.old, nil
	return nil
}

// replaceContainer runs a task in a new container in the place of an old one.
func (e *env) replaceContainer(ctx context.Context, eng images.Engine, old images.Container, t task, spec run.Spec) (int, error) {
	if err := checkAccepted(t.reading.Risks, t.opts.accept.Value()); err != nil {
		return 0, err
	}
	spec, err := e.resolve(spec, t.opts.passEnv.Value())
	if err != nil {
		return 0, err
	}
	if err := e.check(eng, t, spec); err != nil {
		return 0, err
	}
	e.announce(t)
	if err := e.pullAsAsked(ctx, eng, spec, t.vars.Image); err != nil {
		return 0, err
	}
	r := replacement{e: e, eng: eng, name: spec.Name, old: old}
	if err := r.create(ctx, e.withTerminal(spec)); err != nil {
		return 0, notStarted{err}
	}
	if err := r.swap(ctx); err != nil {
		return 0, notStarted{errors.Join(err, r.back())}
	}
	return e.startCreated(ctx, eng, r.id, e.withTerminal(spec), r.finish)
}

// create makes the new container beside the old one.
func (r *replacement) create(ctx context.Context, spec run.Spec) (err error) {
	for _, left := range []string{r.name + newSuffix, r.name + oldSuffix} {
		if err := r.eng.Remove(ctx, left, true); err != nil && !isNotFound(err) {
			return err
		}
	}
	spec.Name = r.name + newSuffix
	r.id, err = r.e.create(ctx, r.eng, spec)
	return err
}

func (r *replacement) swap(ctx context.Context) error {
	if err := r.eng.Rename(ctx, r.old.ID, r.name+oldSuffix); err != nil {
		return err
	}
	if err := r.eng.Rename(ctx, r.id, r.name); err != nil {
		return err
	}
	if r.old.IsRunning() {
		return r.eng.Stop(ctx, r.old.ID, nil)
	}
	return nil
}

// finish removes the old container when the new one runs, and puts it back
// when that cannot be started.
func (r *replacement) finish(ctx context.Context, startErr error) error {
	if startErr != nil {
		return errors.Join(startErr, r.back())
	}
	if err := r.eng.Remove(ctx, r.old.ID, true); err != nil && !isNotFound(err) {
		r.e.notef("atomic: the old container is left as %s%s: %v", r.name, oldSuffix, err)
	}
	return nil
}

// back takes a replacement back.
func (r *replacement) back() error {
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTime)
	defer cancel()
	err := r.e.discard(r.eng, r.id)
	c, findErr := r.eng.Container(ctx, r.old.ID)
	if findErr != nil {
		return errors.Join(err, findErr)
	}
	if c.Name != r.name {
		err = errors.Join(err, r.eng.Rename(ctx, r.old.ID, r.name))
	}
	if r.old.IsRunning() && !c.IsRunning() {
		err = errors.Join(err, r.eng.Start(ctx, r.old.ID))
	}
	return err
}
