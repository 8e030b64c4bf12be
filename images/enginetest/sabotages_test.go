package enginetest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"syscall"
	"time"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

// sabotages has at least one for each group of the suite.
func sabotages() []sabotage {
	return slices.Concat(imageSabotages(), archiveSabotages(), pullSabotages(), lifeSabotages(), consoleSabotages(), otherSabotages())
}

func imageSabotages() []sabotage {
	return []sabotage{
		{"errors of no kind", "References/to an image that is not there", func(e images.Engine) images.Engine {
			return rig{Engine: e, image: func(ctx context.Context, ref string) (images.Image, error) {
				img, err := e.Image(ctx, ref)
				if err != nil {
					err = errors.New(err.Error())
				}
				return img, err
			}}
		}, false},
		{"errors that do not say on what", "References/to an image that is not there", func(e images.Engine) images.Engine {
			return rig{Engine: e, tag: func(ctx context.Context, ref, name string) error {
				if e.Tag(ctx, ref, name) != nil {
					return images.ErrNotFound
				}
				return nil
			}}
		}, false},
		{"labels are lost", "Image/says what it is", func(e images.Engine) images.Engine {
			return rig{Engine: e, image: func(ctx context.Context, ref string) (images.Image, error) {
				img, err := e.Image(ctx, ref)
				delete(img.Labels, "RUN")
				return img, err
			}}
		}, false},
		{"the list has no nameless images", "Images/have images without names", func(e images.Engine) images.Engine {
			return rig{Engine: e, images: func(ctx context.Context) ([]images.Image, error) {
				all, err := e.Images(ctx)
				return slices.DeleteFunc(all, func(i images.Image) bool { return len(i.Names) == 0 }), err
			}}
		}, false},
		{"a tag does nothing", "Tag/adds a name", func(e images.Engine) images.Engine {
			return rig{Engine: e, tag: func(context.Context, string, string) error { return nil }}
		}, false},
		{"images go by force", "RemoveImage/refuses an image with a container", func(e images.Engine) images.Engine {
			return rig{Engine: e, removeImage: func(ctx context.Context, ref string, _ bool) error { return e.RemoveImage(ctx, ref, true) }}
		}, false},
	}
}

func archiveSabotages() []sabotage {
	return []sabotage{
		{"Save forgets an image", "Save/writes several images", func(e images.Engine) images.Engine {
			return rig{Engine: e, save: func(ctx context.Context, refs []string, w io.Writer) error { return e.Save(ctx, refs[:1], w) }}
		}, false},
		{"Save hides that its writer failed", "Save/fails with its writer", func(e images.Engine) images.Engine {
			return rig{Engine: e, save: func(ctx context.Context, refs []string, w io.Writer) error {
				e.Save(ctx, refs, w)
				return nil
			}}
		}, false},
		{"Load tells nothing", "Load/tells the ID of an image without a name", func(e images.Engine) images.Engine {
			return rig{Engine: e, load: func(ctx context.Context, r io.Reader) ([]string, error) {
				_, err := e.Load(ctx, r)
				return nil, err
			}}
		}, false},
		{"Load takes anything", "Load/refuses what is no archive", func(e images.Engine) images.Engine {
			return rig{Engine: e, load: func(ctx context.Context, r io.Reader) ([]string, error) {
				names, _ := e.Load(ctx, r)
				return names, nil
			}}
		}, false},
		{"Load waits for its reader", "Contexts/that end while an archive is read", func(e images.Engine) images.Engine {
			return rig{Engine: e, load: func(ctx context.Context, r io.Reader) ([]string, error) {
				content, err := io.ReadAll(r)
				if err != nil {
					return nil, err
				}
				return e.Load(ctx, bytes.NewReader(content))
			}}
		}, true},
	}
}

func pullSabotages() []sabotage {
	return []sabotage{
		{"a failed pull leaves a name", "Pull/that is interrupted leaves no name", func(e images.Engine) images.Engine {
			return rig{Engine: e, pull: func(ctx context.Context, ref string, o images.PullOptions) (string, error) {
				id, err := e.Pull(ctx, ref, o)
				if err != nil {
					all, _ := e.Images(context.WithoutCancel(ctx))
					e.Tag(context.WithoutCancel(ctx), all[0].ID, ref)
				}
				return id, err
			}}
		}, false},
		{"a pull without credentials is not found", "Pull/logs in", func(e images.Engine) images.Engine {
			return rig{Engine: e, pull: func(ctx context.Context, ref string, o images.PullOptions) (string, error) {
				id, err := e.Pull(ctx, ref, o)
				if errors.Is(err, images.ErrUnauthorized) {
					err = images.ErrNotFound
				}
				return id, err
			}}
		}, false},
		{"progress goes back", "Pull/tells how it goes", func(e images.Engine) images.Engine {
			return rig{Engine: e, pull: func(ctx context.Context, ref string, o images.PullOptions) (string, error) {
				if told := o.Progress; told != nil {
					o.Progress = func(p images.Progress) {
						told(p)
						told(images.Progress{Layer: p.Layer, Phase: images.Waiting})
					}
				}
				return e.Pull(ctx, ref, o)
			}}
		}, false},
		{"the platform is the engine's", "Pull/takes the platform that is asked for", func(e images.Engine) images.Engine {
			return rig{Engine: e, pull: func(ctx context.Context, ref string, o images.PullOptions) (string, error) {
				o.Platform = ""
				return e.Pull(ctx, ref, o)
			}}
		}, false},
	}
}

func lifeSabotages() []sabotage {
	return []sabotage{
		{"Create forgets the environment", "Create/carries out the spec", func(e images.Engine) images.Engine {
			return rig{Engine: e, create: func(ctx context.Context, s run.Spec) (string, []string, error) {
				s.Env = nil
				return e.Create(ctx, s)
			}}
		}, false},
		{"Create resolves what it should not", "Create/refuses what the caller has to resolve", func(e images.Engine) images.Engine {
			return rig{Engine: e, create: func(ctx context.Context, s run.Spec) (string, []string, error) {
				s.EnvFiles = nil
				return e.Create(ctx, s)
			}}
		}, false},
		{"names have a slash", "Container/says what it is", func(e images.Engine) images.Engine {
			return rig{Engine: e, container: func(ctx context.Context, name string) (images.Container, error) {
				c, err := e.Container(ctx, name)
				c.Name = "/" + c.Name
				return c, err
			}}
		}, false},
		{"Start refuses a running container", "Start/does nothing to a running one", func(e images.Engine) images.Engine {
			return rig{Engine: e, start: func(ctx context.Context, name string) error {
				if c, err := e.Container(ctx, name); err == nil && c.IsRunning() {
					return images.ErrConflict
				}
				return e.Start(ctx, name)
			}}
		}, false},
		{"a missing program is any error", "Start/tells that the program is not there", func(e images.Engine) images.Engine {
			return rig{Engine: e, start: func(ctx context.Context, name string) error {
				if err := e.Start(ctx, name); err != nil {
					return errors.New(err.Error())
				}
				return nil
			}}
		}, false},
		{"Stop has no patience", "Stop/kills after the grace period", func(e images.Engine) images.Engine {
			return rig{Engine: e, stop: func(ctx context.Context, name string, _ *time.Duration) error {
				return e.Stop(ctx, name, new(time.Duration))
			}}
		}, false},
		{"Stop ignores its context", "Contexts/that end while the engine stops a container", func(e images.Engine) images.Engine {
			return rig{Engine: e, stop: func(ctx context.Context, name string, grace *time.Duration) error {
				return e.Stop(context.WithoutCancel(ctx), name, grace)
			}}
		}, true},
		{"Kill finds nothing wrong", "Kill/refuses a container that does not run", func(e images.Engine) images.Engine {
			return rig{Engine: e, kill: func(ctx context.Context, name string, s syscall.Signal) error {
				e.Kill(ctx, name, s)
				return nil
			}}
		}, false},
		{"Remove always kills", "Remove/refuses a running one", func(e images.Engine) images.Engine {
			return rig{Engine: e, remove: func(ctx context.Context, name string, _ bool) error { return e.Remove(ctx, name, true) }}
		}, false},
		{"Wait says that all is well", "Wait/gives the exit status", func(e images.Engine) images.Engine {
			return rig{Engine: e, wait: func(ctx context.Context, name string) (<-chan images.Exit, error) {
				exits, err := e.Wait(ctx, name)
				if err != nil {
					return nil, err
				}
				well := make(chan images.Exit, 1)
				go func() {
					<-exits
					well <- images.Exit{}
				}()
				return well, nil
			}}
		}, false},
		{"Wait looks too late", "Wait/before Start misses nothing, not even with Remove", func(e images.Engine) images.Engine {
			return rig{Engine: e, wait: func(ctx context.Context, name string) (<-chan images.Exit, error) {
				late := make(chan images.Exit, 1)
				go func() {
					for {
						c, err := e.Container(ctx, name)
						if err != nil || c.State == images.Exited {
							late <- images.Exit{Code: c.ExitCode, Err: err}
							return
						}
						time.Sleep(time.Millisecond)
					}
				}()
				return late, nil
			}}
		}, false},
	}
}

func consoleSabotages() []sabotage {
	return []sabotage{
		{"stderr is on stdout", "Attach/before Start misses nothing", func(e images.Engine) images.Engine {
			return attached(e, func(ctx context.Context, s images.Session, to images.Streams) error {
				to.Stderr = to.Stdout
				return s.Pipe(ctx, to)
			})
		}, false},
		{"the end of the input is kept", "Attach/passes on the end of the input", func(e images.Engine) images.Engine {
			return attached(e, func(ctx context.Context, s images.Session, to images.Streams) error {
				if to.Stdin != nil {
					r, _ := io.Pipe()
					to.Stdin = io.MultiReader(to.Stdin, r)
				}
				ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
				defer cancel()
				return s.Pipe(ctx, to)
			})
		}, false},
		{"Pipe waits for its input", "Attach/does not wait for an input that never ends", func(e images.Engine) images.Engine {
			return attached(e, func(ctx context.Context, s images.Session, to images.Streams) error {
				err := s.Pipe(ctx, to)
				io.Copy(io.Discard, to.Stdin)
				return err
			})
		}, true},
		{"Exec is root", "Exec/runs another process", func(e images.Engine) images.Engine {
			return rig{Engine: e, exec: func(ctx context.Context, name string, p images.Process) (images.Session, error) {
				p.User = "root"
				return e.Exec(ctx, name, p)
			}}
		}, false},
		{"Exec does not know the size", "Exec/knows the size of the terminal", func(e images.Engine) images.Engine {
			return rig{Engine: e, exec: func(ctx context.Context, name string, p images.Process) (images.Session, error) {
				p.Size = images.Size{}
				return e.Exec(ctx, name, p)
			}}
		}, true},
		{"Logs have no tail", "Logs/can be the last lines", func(e images.Engine) images.Engine {
			return rig{Engine: e, logs: func(ctx context.Context, name string, o images.LogOptions, out, err io.Writer) error {
				o.Tail = 0
				return e.Logs(ctx, name, o, out, err)
			}}
		}, false},
		{"Logs do not follow", "Logs/follow the container to its end", func(e images.Engine) images.Engine {
			return rig{Engine: e, logs: func(ctx context.Context, name string, o images.LogOptions, out, err io.Writer) error {
				o.Follow = false
				return e.Logs(ctx, name, o, out, err)
			}}
		}, false},
		{"Events end badly", "Events/end with the context", func(e images.Engine) images.Engine {
			return rig{Engine: e, events: func(ctx context.Context, ready func(), f func(images.Event)) error {
				e.Events(ctx, ready, f)
				return ctx.Err()
			}}
		}, false},
	}
}

// attached rigs the sessions of Attach.
func attached(e images.Engine, pipe func(context.Context, images.Session, images.Streams) error) images.Engine {
	return rig{Engine: e, attach: func(ctx context.Context, name string, o images.AttachOptions) (images.Session, error) {
		s, err := e.Attach(ctx, name, o)
		if err != nil {
			return nil, err
		}
		return riggedSession{s, func(ctx context.Context, to images.Streams) error { return pipe(ctx, s, to) }}, nil
	}}
}

func otherSabotages() []sabotage {
	return []sabotage{
		{"a goroutine is left", "Close/used", func(e images.Engine) images.Engine {
			return rig{Engine: e, tag: nil, image: func(ctx context.Context, ref string) (images.Image, error) {
				go func() { select {} }()
				return e.Image(ctx, ref)
			}}
		}, true},
		{"contexts are not looked at", "Contexts/that have ended", func(e images.Engine) images.Engine {
			return rig{Engine: e, image: func(ctx context.Context, ref string) (images.Image, error) {
				return e.Image(context.WithoutCancel(ctx), ref)
			}}
		}, false},
	}
}
