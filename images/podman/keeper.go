package podman

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/projectatomic/atomic/labels/run"
)

// Create makes a container. As docker does for -v, and unlike podman, it first
// makes the directories of the host that are to be mounted and are not there,
// if the service is on this machine (a unix socket): labels written for Docker
// rely on it.
func (e *Engine) Create(ctx context.Context, spec run.Spec) (string, []string, error) {
	id, warnings, err := e.create(ctx, spec)
	if err != nil {
		return "", nil, fmt.Errorf("creating a container%s of image %q: %w", named(spec.Name), spec.Image, err)
	}
	return id, warnings, nil
}

// named is the name in an error, if there is one.
func named(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf(" %q", name)
}

func (e *Engine) create(ctx context.Context, spec run.Spec) (string, []string, error) {
	if err := unresolved(spec); err != nil {
		return "", nil, err
	}
	r, findings := CreateRequest(spec)
	var refused []error
	for _, f := range findings {
		if f.Level == run.Error {
			refused = append(refused, fmt.Errorf("%s: %s", f.Field, f.Message))
		}
	}
	if len(refused) > 0 {
		return "", nil, errors.Join(refused...)
	}
	r.Image = lookup(r.Image)
	made, err := e.makeSources(ctx, spec)
	var answer struct {
		ID       string `json:"Id"`
		Warnings []string
	}
	if err == nil {
		err = e.call(ctx, post("/containers/create").sending(r), &answer)
	}
	if err != nil {
		for _, dir := range slices.Backward(made) {
			os.Remove(dir)
		}
		return "", nil, err
	}
	e.watchers.born(answer.ID, spec.TTY)
	return answer.ID, answer.Warnings, nil
}

// unresolved refuses what only the caller can look up.
func unresolved(spec run.Spec) error {
	for _, v := range spec.Env {
		if v.FromCaller {
			return fmt.Errorf("the value of variable %s was not filled in", v.Name)
		}
	}
	switch {
	case len(spec.EnvFiles) > 0:
		return fmt.Errorf("the environment of file %s was not filled in", spec.EnvFiles[0])
	case len(spec.LabelFiles) > 0:
		return fmt.Errorf("the labels of file %s were not filled in", spec.LabelFiles[0])
	}
	return nil
}

// makeSources makes missing directories of the host, and gives those that it
// made. An image that is not there is found first, so that nothing is made for
// a container that will not be.
func (e *Engine) makeSources(ctx context.Context, spec run.Spec) (made []string, err error) {
	if e.uri.Scheme != "unix" {
		return nil, nil
	}
	looked := false
	for _, m := range spec.Mounts {
		if m.Type != run.Bind || m.MustExist || m.Source == "" {
			continue
		}
		if _, err := os.Stat(m.Source); !errors.Is(err, os.ErrNotExist) {
			continue
		}
		if !looked {
			if _, err := e.inspectImage(ctx, spec.Image); err != nil {
				return made, err
			}
			looked = true
		}
		dirs, err := makeDir(m.Source)
		made = append(made, dirs...)
		if err != nil {
			return made, fmt.Errorf("making the directory to mount at %s: %w", m.Target, err)
		}
	}
	return made, nil
}

// makeDir makes a directory and those above it, and gives the ones it made,
// the highest first.
func makeDir(dir string) (made []string, err error) {
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if made, err = makeDir(filepath.Dir(dir)); err != nil {
		return made, err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return made, err
	}
	return append(made, dir), nil
}

// Rename gives a container another name.
func (e *Engine) Rename(ctx context.Context, name, newName string) error {
	if err := e.call(ctx, post(path("containers", name, "rename")).with("name", newName), nil); err != nil {
		return fmt.Errorf("renaming container %q to %q: %w", name, newName, err)
	}
	return nil
}

// Remove removes a container.
func (e *Engine) Remove(ctx context.Context, name string, force bool) error {
	r := request{method: http.MethodDelete, path: path("containers", name)}.
		with("volumes", "true", "force", strconv.FormatBool(force))
	if force {
		r = r.with("timeout", "0")
	}
	var answer []byte
	err := e.call(ctx, r, &answer)
	if err == nil {
		err = removalError(answer)
	}
	if err != nil {
		return fmt.Errorf("removing container %q: %w", name, err)
	}
	e.watchers.forget(name)
	return nil
}

// removalError reads what the service says after a removal: nothing, or a
// report for each container, of which the failures matter.
func removalError(answer []byte) error {
	var reports []struct{ Err any }
	if len(answer) == 0 || json.Unmarshal(answer, &reports) != nil {
		return nil
	}
	for _, report := range reports {
		if words, ok := report.Err.(string); ok && words != "" {
			return newServiceError(http.StatusInternalServerError, "", words)
		}
	}
	return nil
}
