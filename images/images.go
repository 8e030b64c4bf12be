// Package images is about container images, the containers made of them and
// the engines that hold both. Its sub-packages are ways to reach an engine
// (docker, podman); enginetest holds the suite that each of them passes.
package images

import (
	"errors"
	"time"
)

// Errors that callers decide by; the engines wrap them.
var (
	ErrNotFound     = errors.New("not found")
	ErrConflict     = errors.New("conflict")           // name in use, image in use, wrong state
	ErrUnreachable  = errors.New("engine unreachable") // no answer, or the connection broke
	ErrDenied       = errors.New("permission denied")  // by the socket or the engine
	ErrUnauthorized = errors.New("unauthorized")       // by a registry
	ErrTimeout      = errors.New("deadline exceeded")  // the engine is there but does not answer in time

	// The engine could make the container but not run its program; a shell
	// would say 127 and 126.
	ErrProgramNotFound      = errors.New("program not found in the container")
	ErrProgramNotExecutable = errors.New("program cannot be executed in the container")
)

// An Image is an image as an engine stores it.
type Image struct {
	ID      string            `json:"id"`      // sha256:…
	Names   []string          `json:"names"`   // repository:tag, as the engine spells them
	Digests []string          `json:"digests"` // repository@sha256:…
	Labels  map[string]string `json:"labels"`
	Created time.Time         `json:"created"`
	Size    int64             `json:"size"` // bytes

	OS           string `json:"os,omitempty"`
	Architecture string `json:"architecture,omitempty"`
	Config       Config `json:"config,omitzero"` // empty in lists
	Containers   int    `json:"-"`               // using it, running or not; -1 when not counted
}

// Config is what an image says of the process to run in it.
type Config struct {
	Entrypoint []string `json:"entrypoint,omitempty"`
	Cmd        []string `json:"cmd,omitempty"`
	Env        []string `json:"env,omitempty"`
	User       string   `json:"user,omitempty"`
	WorkDir    string   `json:"workDir,omitempty"`
	StopSignal string   `json:"stopSignal,omitempty"`
}

// State is where a container is in its life.
type State string

// The states of a container, the same words for every engine.
const (
	Created    State = "created"
	Running    State = "running"
	Paused     State = "paused"
	Restarting State = "restarting"
	Removing   State = "removing"
	Exited     State = "exited"
	Dead       State = "dead"
)

// A Container is a container as an engine stores it.
type Container struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"` // without a leading slash
	ImageID   string            `json:"imageID"`
	ImageName string            `json:"imageName"` // as given when it was created
	Command   []string          `json:"command"`   // entrypoint and arguments
	Created   time.Time         `json:"created"`
	State     State             `json:"state"`
	Labels    map[string]string `json:"labels"`

	// The rest is empty in lists.
	ExitCode   int      `json:"exitCode"`
	PID        int      `json:"pid,omitempty"` // on the host, while it runs
	TTY        bool     `json:"tty,omitempty"`
	Stdin      bool     `json:"stdin,omitempty"` // created with -i
	Env        []string `json:"env,omitempty"`
	AutoRemove bool     `json:"autoRemove,omitempty"`
	Privileged bool     `json:"privileged,omitempty"`
}

// IsRunning tells whether the container has a process.
func (c Container) IsRunning() bool {
	return c.State == Running || c.State == Paused || c.State == Restarting
}

// Kind is a family of engines.
type Kind string

// The engines.
const (
	Docker Kind = "docker"
	Podman Kind = "podman"
)

// Info describes the engine itself.
type Info struct {
	Kind       Kind   `json:"kind"`
	Version    string `json:"version"`
	APIVersion string `json:"apiVersion"`
	OS         string `json:"os,omitempty"`
	Kernel     string `json:"kernel,omitempty"`
	Root       string `json:"root,omitempty"`   // of its storage
	Driver     string `json:"driver,omitempty"` // of its storage
	Rootless   bool   `json:"rootless"`
}
