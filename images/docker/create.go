package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/projectatomic/atomic/images"
	"github.com/projectatomic/atomic/labels/run"
)

// Create makes a container without starting it.
func (e *Engine) Create(ctx context.Context, spec run.Spec) (string, []string, error) {
	doing := fmt.Sprintf("creating a container of image %q", spec.Image)
	if spec.Name != "" {
		doing = fmt.Sprintf("creating container %q of image %q", spec.Name, spec.Image)
	}
	request, findings := CreateRequest(spec)
	if err := errors.Join(unresolved(spec), refusal(findings), loadProfiles(request)); err != nil {
		return "", nil, fmt.Errorf("%s: %w", doing, err)
	}
	if err := ctx.Err(); err != nil {
		return "", nil, &callError{doing: doing, err: err}
	}
	r, err := e.create(ctx, doing, request)
	if err != nil {
		return "", nil, err
	}
	e.roster.add(r.ID, spec.Name, traits{tty: spec.TTY, autoRemove: spec.Remove})
	return r.ID, r.Warnings, nil
}

// create does not break the call off when ctx ends, for the engine would make
// the container all the same: it sees it made, and removes it.
func (e *Engine) create(ctx context.Context, doing string, request client.ContainerCreateOptions) (client.ContainerCreateResult, error) {
	type result struct {
		client.ContainerCreateResult
		err error
	}
	made, gaveUp, tidy := make(chan result), make(chan struct{}), make(chan error, 1)
	go func() {
		lasting := context.WithoutCancel(ctx)
		var r result
		r.err = e.ask(lasting, doing, func(ctx context.Context) error {
			if err := e.tooNew(request); err != nil {
				return err
			}
			var err error
			r.ContainerCreateResult, err = e.cli.ContainerCreate(ctx, request)
			if err == nil && r.ID == "" {
				err = errNonsense
			}
			return createKind(err)
		})
		select {
		case made <- r:
			return
		case <-gaveUp:
		}
		if r.err == nil {
			tidy <- e.Remove(lasting, r.ID, true)
		}
		close(tidy)
	}()
	select {
	case r := <-made:
		return r.ContainerCreateResult, r.err
	case <-ctx.Done():
		close(gaveUp)
	}
	err := error(&callError{doing: doing, err: ctx.Err()})
	select {
	case left := <-tidy:
		err = errors.Join(err, left)
	case <-time.After(e.limits.tidy): // it goes on without us
	}
	return client.ContainerCreateResult{}, err
}

// createKind marks the error of an image that is not there. The same status
// stands for the containers whose volumes or network are to be shared.
func createKind(err error) error {
	if !cerrdefs.IsNotFound(err) {
		return err
	}
	text := strings.ToLower(err.Error())
	if strings.Contains(text, "no such image") || strings.Contains(text, "image with reference") {
		return &callError{kind: images.ErrNotFound, err: err}
	}
	return &callError{err: err}
}

// unresolved refuses what is the caller's to resolve and was not.
func unresolved(spec run.Spec) error {
	var left []string
	for _, v := range spec.Env {
		if v.FromCaller {
			left = append(left, "Env "+v.Name)
		}
	}
	if len(spec.EnvFiles) > 0 {
		left = append(left, "EnvFiles")
	}
	if len(spec.LabelFiles) > 0 {
		left = append(left, "LabelFiles")
	}
	if left == nil {
		return nil
	}
	return fmt.Errorf("not resolved by the caller: %s", strings.Join(left, ", "))
}

// refusal is the error of findings that forbid the container.
func refusal(findings []run.Finding) error {
	var errs []error
	for _, f := range findings {
		if f.Level == run.Error {
			errs = append(errs, fmt.Errorf("%s: %s", f.Field, f.Message))
		}
	}
	return errors.Join(errs...)
}

// maxProfile is the size of a seccomp profile, in bytes; that of Docker has
// some 13,000.
const maxProfile = 4 << 20

// loadProfiles puts seccomp profiles where the names of their files are.
func loadProfiles(request client.ContainerCreateOptions) error {
	for i, o := range request.HostConfig.SecurityOpt {
		file, ok := strings.CutPrefix(o, "seccomp=")
		if !ok || file == "unconfined" || file == "builtin" {
			continue
		}
		profile, err := readProfile(file)
		if err != nil {
			return fmt.Errorf("reading seccomp profile %q: %w", file, err)
		}
		request.HostConfig.SecurityOpt[i] = "seccomp=" + profile
	}
	return nil
}

func readProfile(file string) (string, error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("it is not a regular file")
	}
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxProfile+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxProfile {
		return "", fmt.Errorf("it is larger than %d bytes", maxProfile)
	}
	var compact bytes.Buffer
	err = json.Compact(&compact, text)
	return compact.String(), err
}

// A novelty is what engines that speak an older version of the API ignore in
// silence.
type novelty struct {
	field string
	api   string
	since string // the Docker that first spoke it
	asked bool
}

// novelties tells which of them a request asks for.
func novelties(r client.ContainerCreateOptions) []novelty {
	news := []novelty{
		{"Annotations", "1.43", "24", len(r.HostConfig.Annotations) > 0},
		{"Health.StartInterval", "1.44", "25", r.Config.Healthcheck != nil && r.Config.Healthcheck.StartInterval > 0},
	}
	if r.NetworkingConfig != nil {
		ends := r.NetworkingConfig.EndpointsConfig
		for _, end := range ends {
			news = append(news,
				novelty{"MAC", "1.44", "25", end.MacAddress != nil},
				novelty{"Networks.Options gw-priority", "1.48", "28", end.GwPriority != 0})
		}
		news = append(news, novelty{"Networks", "1.44", "25", len(ends) > 1})
	}
	for _, m := range r.HostConfig.Mounts {
		if o := m.BindOptions; o != nil {
			news = append(news, novelty{"Mounts.Options bind-recursive", "1.44", "25", o.ReadOnlyNonRecursive || o.ReadOnlyForceRecursive})
		}
		if o := m.VolumeOptions; o != nil {
			news = append(news, novelty{"Mounts.Options volume-subpath", "1.45", "26", o.Subpath != ""})
		}
	}
	for _, d := range r.HostConfig.DeviceRequests {
		news = append(news, novelty{"Devices", "1.44", "25", d.Driver == "cdi"})
	}
	return news
}

// tooNew refuses what this engine would ignore.
func (e *Engine) tooNew(r client.ContainerCreateOptions) error {
	var errs []error
	for _, n := range novelties(r) {
		if n.asked && e.before(n.api) {
			errs = append(errs, fmt.Errorf("%s needs API %s (Docker %s), and this engine speaks %s", n.field, n.api, n.since, e.cli.ClientVersion()))
		}
	}
	return errors.Join(errs...)
}
