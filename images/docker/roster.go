package docker

import (
	"strings"
	"sync"

	"github.com/projectatomic/atomic/images"
)

// A roster is what the Engine remembers of containers so that it need not ask.
type roster struct {
	mu    sync.Mutex
	made  map[string]*traits // by ID: those that this Engine created
	ids   map[string]string  // by name, of the same
	lives map[string]*life   // by ID, or by name where that is all there is
}

// traits of a container that do not change, and whether it was ever started.
type traits struct{ tty, autoRemove, started bool }

// add remembers a container that was created.
func (r *roster) add(id, name string, t traits) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.made == nil {
		r.made, r.ids = make(map[string]*traits), make(map[string]string)
	}
	r.made[id] = &t
	if name != "" {
		r.ids[name] = id
	}
}

// traits are known by ID only: a name may be another container's by now.
func (r *roster) traits(id string) (traits, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t := r.made[id]; t != nil {
		return *t, true
	}
	return traits{}, false
}

// forget drops a container that is gone.
func (r *roster) forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := r.id(name)
	delete(r.made, id)
	for n, i := range r.ids {
		if i == id {
			delete(r.ids, n)
		}
	}
}

// renamed keeps track of a container that goes by another name.
func (r *roster) renamed(name, newName string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if id := r.id(name); r.made[id] != nil {
		delete(r.ids, strings.TrimPrefix(name, "/"))
		r.ids[newName] = id
	}
}

// id is the name of a container for which two names of it give the same.
func (r *roster) id(name string) string {
	name = strings.TrimPrefix(name, "/")
	if id, ok := r.ids[name]; ok {
		return id
	}
	return name
}

// starting tells that the container is about to run; the function that is
// returned, that it did not.
func (r *roster) starting(name string) (failed func()) {
	set := func(to bool) {
		r.mu.Lock()
		defer r.mu.Unlock()
		id := r.id(name)
		if t := r.made[id]; t != nil {
			t.started = to
		}
		if l := r.lives[id]; l != nil {
			l.ran = to
		}
	}
	set(true)
	return func() { set(false) }
}

// A life is that of a container as long as someone here watches it. A session
// learns from it how the container ended; all is guarded by roster.mu.
type life struct {
	key   string
	users int
	ran   bool          // it runs, or will have run when its end is told
	ended chan struct{} // closed when the last Wait was told the end; nil before the first
	exit  images.Exit   // what that Wait was told
	waits int
}

// enter begins to watch a container; leave ends it.
func (r *roster) enter(name string) *life {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lives == nil {
		r.lives = make(map[string]*life)
	}
	key := r.id(name)
	l := r.lives[key]
	if l == nil {
		l = &life{key: key}
		r.lives[key] = l
	}
	l.users++
	return l
}

func (r *roster) leave(l *life) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l.users--; l.users == 0 && r.lives[l.key] == l {
		delete(r.lives, l.key)
	}
}

// waiting tells that a Wait begins.
func (r *roster) waiting(l *life, ran bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l.waits++; l.waits == 1 {
		l.ended = make(chan struct{})
	}
	l.ran = l.ran || ran
}

// waited tells what a Wait was told.
func (r *roster) waited(l *life, exit images.Exit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l.waits--; exit.Err == nil || l.waits == 0 {
		l.exit = exit
		select {
		case <-l.ended:
		default:
			close(l.ended)
		}
	}
	if exit.Err == nil {
		l.ran = false
	}
}

// hasRun tells whether the end of l that was just told is that of a run.
func (r *roster) hasRun(l *life) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return l.ran
}

// fate is a channel that is closed when a Wait was told the end, nil if there
// is no Wait; and what it was told, once it is closed.
func (r *roster) fate(l *life) (<-chan struct{}, func() images.Exit) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return l.ended, func() images.Exit {
		r.mu.Lock()
		defer r.mu.Unlock()
		return l.exit
	}
}
