package images

import (
	"context"
	"io"
	"syscall"
	"time"

	"github.com/projectatomic/atomic/labels/run"
)

// An Engine makes, runs and keeps containers. The rules below hold for every
// implementation; images/enginetest checks them.
//
// Names. An image reference is what a user types: a name, name:tag,
// name@digest, an ID or a unique prefix of one. A container is named by its
// name or ID. A reference that is not there gives ErrNotFound, and so does
// nothing else.
//
// Errors. Each error says what was attempted and on what ("inspecting image
// \"x\": …") and wraps one of the sentinels of this package where one fits.
// The engine's own words are kept.
//
// Time. Every call ends. Questions and small orders have a deadline of their
// own (30 s, or the grace period and 30 s more for Stop) and give ErrTimeout.
// Pull, Load and Save have none as a whole, but give ErrTimeout after two
// minutes without a byte. Wait, Logs with Follow, Events and a Session last as
// long as their context. A context that ends gives its own error.
//
// Death. When the engine goes away under a call, the call returns
// ErrUnreachable promptly. It never hangs, and never reports success.
//
// Concurrency. All methods may be called from any goroutine.
type Engine interface {
	Store
	Keeper
	Runner
	Console
	// Info describes the engine. It is the cheapest call there is, and the way
	// to learn whether the engine answers.
	Info(ctx context.Context) (Info, error)
	// Check tells, without asking the engine, which fields of spec it cannot
	// carry out or carries out differently. Create refuses a spec with a
	// finding of level run.Error.
	Check(spec run.Spec) []run.Finding
	io.Closer
}

// A Store holds images.
type Store interface {
	// Image inspects one image of the local store; it never pulls.
	Image(ctx context.Context, ref string) (Image, error)
	// Images lists the images; those without a name are there too, unless
	// they are only layers of others.
	Images(ctx context.Context) ([]Image, error)
	// Pull fetches ref from its registry and returns the image's ID. When it
	// fails or is interrupted the store has no new name.
	Pull(ctx context.Context, ref string, opts PullOptions) (id string, err error)
	// Tag gives the image another name. The name moves if it was taken.
	Tag(ctx context.Context, ref, name string) error
	// RemoveImage takes the name away, and the image with its last name. An
	// image with containers gives ErrConflict; force removes it from under
	// stopped containers and takes all its names when ref is an ID.
	RemoveImage(ctx context.Context, ref string, force bool) error
	// Save writes the images as one docker-archive.
	Save(ctx context.Context, refs []string, w io.Writer) error
	// Load reads a docker-archive and returns the names (or, for an image
	// without one, the IDs) that it brought.
	Load(ctx context.Context, r io.Reader) ([]string, error)
}

// A Keeper holds containers.
type Keeper interface {
	// Container inspects one container.
	Container(ctx context.Context, name string) (Container, error)
	// Containers lists all containers, running or not.
	Containers(ctx context.Context) ([]Container, error)
	// Create makes a container without starting it. The image must be local:
	// else ErrNotFound. A name in use gives ErrConflict. Nothing is left
	// behind by a failure. Env with FromCaller, EnvFiles, LabelFiles, CIDFile
	// and Pull are the caller's to resolve; a spec that still has the first
	// three is refused.
	Create(ctx context.Context, spec run.Spec) (id string, warnings []string, err error)
	// Rename gives a container another name. A name in use gives ErrConflict.
	Rename(ctx context.Context, name, newName string) error
	// Remove removes a container and its anonymous volumes. A running one
	// gives ErrConflict unless force is set, which kills it.
	Remove(ctx context.Context, name string, force bool) error
}

// A Runner starts and ends containers.
type Runner interface {
	// Start starts a created or stopped container. Starting a running one
	// does nothing. ErrProgramNotFound and ErrProgramNotExecutable tell that
	// the container is there but its program is not.
	Start(ctx context.Context, name string) error
	// Stop sends the stop signal, then SIGKILL after grace; nil takes the
	// container's own grace period. Stopping a stopped one does nothing.
	Stop(ctx context.Context, name string, grace *time.Duration) error
	// Kill sends a signal to the container's first process. A container that
	// does not run gives ErrConflict.
	Kill(ctx context.Context, name string, signal syscall.Signal) error
	// Wait reports the exit status of the container's next, or if it runs
	// current, run on the channel, once. When Wait has returned the engine is
	// watching, so that after a Start nothing is missed, not even with
	// Spec.Remove. A container that has already ended and is not started
	// again is not reported.
	Wait(ctx context.Context, name string) (<-chan Exit, error)
}

// A Console reaches the processes in containers and what they print.
type Console interface {
	// Attach connects to the first process of a container. Attached before
	// Start, the session misses nothing.
	Attach(ctx context.Context, name string, opts AttachOptions) (Session, error)
	// Exec starts another process in a running container; a stopped one
	// gives ErrConflict. A program that cannot be run gives
	// ErrProgramNotFound or ErrProgramNotExecutable, from Exec or as
	// Session.Wait's 127 or 126.
	Exec(ctx context.Context, name string, p Process) (Session, error)
	// Logs writes what the container printed to stdout and stderr; a
	// container with a terminal has it all on stdout.
	Logs(ctx context.Context, name string, opts LogOptions, stdout, stderr io.Writer) error
	// Events calls f for each event of a container or image from now on,
	// until ctx ends (nil) or the engine goes away. ready is called once the
	// engine listens.
	Events(ctx context.Context, ready func(), f func(Event)) error
}

// A Session is a connection to the streams of one process.
type Session interface {
	// Pipe copies s.Stdin to the process, and what the process prints to
	// s.Stdout and s.Stderr, until the output ends, the user types the detach
	// keys, or ctx ends. The end of s.Stdin is passed on. Pipe does not wait
	// for a s.Stdin that never ends.
	Pipe(ctx context.Context, s Streams) error
	// Resize tells the process the size of its terminal.
	Resize(ctx context.Context, size Size) error
	// Wait gives the exit status of an exec'd process that has ended, or
	// ErrConflict if it still runs (the user detached). For an attached
	// container it is the Runner's Wait that counts; Wait gives the exit
	// status of the container if it has ended.
	Wait(ctx context.Context) (int, error)
	Close() error
}

// Streams are the caller's ends of a session; nil is not connected. With a
// terminal everything is printed on Stdout.
type Streams struct {
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
}

// Size is that of a terminal, in characters.
type Size struct{ Columns, Rows uint }

// AttachOptions say which streams to connect.
type AttachOptions struct {
	Stdin      bool
	DetachKeys string // as docker spells them; empty: the engine's own
}

// A Process is what Exec runs.
type Process struct {
	Args       []string
	Env        []string // NAME=VALUE
	User       string
	WorkDir    string
	TTY        bool
	Stdin      bool
	Privileged bool
	Detach     bool // start it, connect nothing; the Session only waits
	DetachKeys string
	Size       Size // of the terminal, if known
}

// Exit is how a container ended: Code, or Err when that cannot be known.
type Exit struct {
	Code int
	Err  error
}

// LogOptions say which part of the log.
type LogOptions struct {
	Follow     bool
	Tail       int // lines; 0 is all
	Since      time.Time
	Timestamps bool
}

// An Event is something that happened to a container or an image.
type Event struct {
	Type   string // container, image
	Action string // create, start, die, destroy, pull, …, in docker's words
	ID     string
	Name   string
	Time   time.Time
}

// PullOptions say how to pull.
type PullOptions struct {
	Auth     *Credentials
	Platform string // os/architecture[/variant]; empty: the engine's own
	// Insecure allows plain HTTP and unknown certificates, where the engine
	// takes that from its client (Podman). Docker has it in daemon.json.
	Insecure bool
	Progress func(Progress) // called in order from one goroutine; may be nil
}

// Credentials are for one registry.
type Credentials struct {
	Username      string
	Password      string
	IdentityToken string
}

// Phase is what happens to a layer.
type Phase string

// The phases of a layer, in order.
const (
	Waiting     Phase = "waiting"
	Downloading Phase = "downloading"
	Extracting  Phase = "extracting"
	Done        Phase = "done"
	Present     Phase = "present" // was there already
)

// Progress is one step of a pull.
type Progress struct {
	Layer   string // short ID; empty for a line about the whole
	Phase   Phase
	Current int64  // bytes
	Total   int64  // bytes; 0 when unknown
	Text    string // the engine's words
}
