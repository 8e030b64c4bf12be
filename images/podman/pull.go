package podman

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/projectatomic/atomic/images"
)

// Pull pulls an image. A name without a registry is looked for as the
// service's registries.conf says.
func (e *Engine) Pull(ctx context.Context, ref string, opts images.PullOptions) (string, error) {
	id, err := e.pull(ctx, ref, opts)
	if err != nil {
		return "", fmt.Errorf("pulling image %q: %w", ref, err)
	}
	return id, nil
}

func (e *Engine) pull(ctx context.Context, ref string, opts images.PullOptions) (string, error) {
	r, err := pullRequest(ref, opts)
	if err != nil {
		return "", err
	}
	inner, idle := watchIdle(ctx, e.limits.stall)
	defer idle.stop()
	resp, err := e.send(inner, r)
	if err != nil {
		return "", pullError(err)
	}
	defer resp.Body.Close()
	p := puller{report: opts.Progress}
	if err := p.read(idle.reader(resp.Body)); err != nil {
		if p.failure != nil {
			return "", p.failure
		}
		return "", unreachable(inner, err)
	}
	if p.id == "" {
		return "", errors.New("the service does not tell the ID of what it pulled")
	}
	a, err := e.inspectImage(ctx, p.id)
	return prefixed(a.ID), err
}

// pullRequest asks for the stream of progress that Docker has too: the other
// one has no numbers. A service that has only the other gives that.
func pullRequest(ref string, opts images.PullOptions) (request, error) {
	r := post("/images/pull").with("reference", ref, "compatMode", "true", "policy", "always")
	if opts.Platform != "" {
		parts := strings.SplitN(opts.Platform+"//", "/", 4)
		for i, name := range []string{"OS", "Arch", "Variant"} {
			if parts[i] != "" {
				r = r.with(name, parts[i])
			}
		}
	}
	if opts.Insecure {
		r = r.with("tlsVerify", "false")
	}
	if opts.Auth != nil {
		text, err := json.Marshal(map[string]string{
			"username": opts.Auth.Username, "password": opts.Auth.Password, "identitytoken": opts.Auth.IdentityToken,
		})
		if err != nil {
			return r, err
		}
		r.header = http.Header{"X-Registry-Auth": {base64.URLEncoding.EncodeToString(text)}}
	}
	return r, nil
}

// pullError finds out what a registry meant.
func pullError(err error) error {
	var said *serviceError
	if !errors.As(err, &said) {
		return err
	}
	return &serviceError{kind: kindOfPull(said.message), message: said.message}
}

// A puller reads the progress of a pull.
type puller struct {
	report  func(images.Progress)
	id      string // of the image, or the beginning of it
	failure error
	phases  map[string]images.Phase
}

// A pullLine is one line of either kind of progress.
type pullLine struct {
	Stream string `json:"stream"` // of Podman's own kind
	ID     string `json:"id"`
	Status string `json:"status"`
	Detail struct {
		Current int64 `json:"current"`
		Total   int64 `json:"total"`
	} `json:"progressDetail"`
	Error   string   `json:"error"`
	Images  []string `json:"images"`
	Message string   `json:"message"` // of an error that came before all progress
}

// read reads the lines to the end. Only a stream that ends by itself is a pull
// that worked; the last line has the image.
func (p *puller) read(r io.Reader) error {
	for d := json.NewDecoder(r); ; {
		var line pullLine
		switch err := d.Decode(&line); {
		case err == io.EOF:
			return nil
		case err != nil:
			return unexpected(err)
		}
		if words := orElse(line.Error, line.Message); words != "" {
			p.failure = &serviceError{kind: kindOfPull(words), message: words}
			return p.failure
		}
		p.take(line)
	}
}

func (p *puller) take(line pullLine) {
	if len(line.Images) > 0 || line.Stream == "" && isLast(line) {
		p.id = line.ID
	}
	if p.report == nil {
		return
	}
	if line.Stream != "" || len(line.Images) > 0 {
		p.takeText(line)
		return
	}
	phase, ok := pullPhases[line.Status]
	switch {
	case !ok && line.Status != "":
		p.report(images.Progress{Text: line.Status})
	case ok && p.forward(line.ID, phase):
		p.report(images.Progress{
			Layer: line.ID, Phase: phase, Text: line.Status,
			Current: line.Detail.Current, Total: max(0, line.Detail.Total),
		})
	}
}

// blobLine is a line about a layer in Podman's own kind of progress.
var blobLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^Copying blob (?:sha256:)?([0-9a-f]{12})[0-9a-f]*( skipped| done)?`)
})

// takeText takes a line of Podman's own kind, which has no numbers.
func (p *puller) takeText(line pullLine) {
	text := strings.TrimSpace(line.Stream)
	m := blobLine().FindStringSubmatch(text)
	switch {
	case len(line.Images) > 0:
		for _, layer := range p.open() {
			p.forward(layer, images.Done)
			p.report(images.Progress{Layer: layer, Phase: images.Done})
		}
	case m != nil:
		phase := map[string]images.Phase{"": images.Downloading, " skipped": images.Present, " done": images.Done}[m[2]]
		if p.forward(m[1], phase) {
			p.report(images.Progress{Layer: m[1], Phase: phase, Text: text})
		}
	case text != "":
		p.report(images.Progress{Text: text})
	}
}

// open are the layers that are not done.
func (p *puller) open() []string {
	var layers []string
	for layer, phase := range p.phases {
		if phase != images.Done && phase != images.Present {
			layers = append(layers, layer)
		}
	}
	slices.Sort(layers)
	return layers
}

// isLast tells whether a line may be the last, about the image. Lines about
// the end of a layer look alike, but the last is never one of them.
func isLast(line pullLine) bool {
	return line.ID != "" && (line.Status == "Download complete" || line.Status == "Pull complete")
}

// pullPhases are what the service says of a layer.
var pullPhases = map[string]images.Phase{
	"Pulling fs layer":  images.Waiting,
	"Downloading":       images.Downloading,
	"Extracting":        images.Extracting,
	"Already exists":    images.Present,
	"Download complete": images.Done,
	"Pull complete":     images.Done,
}

// forward remembers the phase of a layer. One does not go back, and of the
// last line, the image's, nothing is told.
func (p *puller) forward(layer string, phase images.Phase) bool {
	rank := map[images.Phase]int{
		images.Waiting: 1, images.Downloading: 2, images.Extracting: 3, images.Done: 4, images.Present: 4,
	}
	before, known := p.phases[layer]
	if !known && phase == images.Done {
		return false
	}
	if known && (rank[phase] < rank[before] || rank[before] == 4) {
		return false
	}
	set(&p.phases, layer, phase)
	return true
}
