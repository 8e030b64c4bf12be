package podman

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/moby/sys/signal"

	"github.com/projectatomic/atomic/labels/run"
)

// callerFields are the fields that say how the caller runs the container and
// not what the container is, and what becomes of them.
var callerFields = map[string]string{
	"Detach":              "whether to attach",
	"Attach":              "what to attach",
	"DetachKeys":          "AttachOptions.DetachKeys",
	"NoSigProxy":          "whether to pass on signals",
	"Quiet":               "what to print",
	"Pull":                "when to pull",
	"CIDFile":             "where to write the ID",
	"EnvFiles":            "becomes Env; Create refuses the rest",
	"LabelFiles":          "becomes Labels; Create refuses the rest",
	"Mounts.MustExist":    "Create makes the directories for other mounts",
	"Ports.Host.Protocol": "said of the container's side",
}

// A renderer builds a Request and collects what it cannot say.
type renderer struct {
	spec     run.Spec
	out      Request
	findings []run.Finding
}

// CreateRequest is what podman run makes of the same flags: a request for a
// container, and findings about what Podman cannot carry out or does
// differently. The fields of the caller (see images.Engine) are passed over.
//
// What podman reads from the containers.conf of its user, such as default
// devices and volumes, is left to the containers.conf of the service.
func CreateRequest(spec run.Spec) (Request, []run.Finding) {
	w := &renderer{spec: spec}
	w.process()
	w.life()
	w.health()
	w.logging()
	w.mounts()
	w.devices()
	w.namespaces()
	w.network()
	w.security()
	w.limits()
	return w.out, w.findings
}

func (w *renderer) find(code run.Code, level run.Level, field, format string, args ...any) {
	w.findings = append(w.findings, run.Finding{
		Code: code, Level: level, Field: field, Message: fmt.Sprintf(format, args...),
	})
}

// refuse tells of a field without which the container may do or see something
// else.
func (w *renderer) refuse(field, format string, args ...any) {
	w.find(run.NotSupported, run.Error, field, format, args...)
}

// bad tells of a value that podman run refuses.
func (w *renderer) bad(field, format string, args ...any) {
	w.find(run.BadValue, run.Error, field, format, args...)
}

// ignore tells of a field that podman run does without.
func (w *renderer) ignore(field, message string) {
	w.find(run.NotSupported, run.Warning, field, "%s", message)
}

func (w *renderer) process() {
	s, out := &w.spec, &w.out
	out.Name = s.Name
	out.Image, out.RawImageName = s.Image, s.Image
	out.Entrypoint, out.Command = s.Entrypoint, s.Args
	if s.Platform != "" {
		parts := strings.SplitN(s.Platform+"//", "/", 4)
		out.ImageOS, out.ImageArch, out.ImageVariant = parts[0], parts[1], parts[2]
	}
	out.Terminal, out.Stdin = s.TTY, s.Stdin
	out.User, out.WorkDir, out.Init, out.OCIRuntime = s.User, s.WorkDir, s.Init, s.Runtime
	for i, g := range s.Groups {
		if g == "keep-groups" {
			w.refuse(fmt.Sprintf("Groups[%d]", i), "a service cannot keep the groups of its client")
			continue
		}
		out.Groups = append(out.Groups, g)
	}
	for _, v := range s.Env {
		if !v.FromCaller {
			set(&out.Env, v.Name, v.Value)
		}
	}
	for _, p := range s.Labels {
		set(&out.Labels, p.Name, p.Value)
	}
	for _, p := range s.Annotations {
		set(&out.Annotations, p.Name, p.Value)
	}
	// What podman run says unless it is told otherwise; the API would do
	// without all of them.
	out.HTTPProxy = true
	out.Systemd = "true"
	out.SdNotifyMode = "container"
	out.ImageVolumeMode = "anonymous"
	out.SeccompPolicy = "default"
}

// set adds to a map that is made for the first entry. The last of a name wins.
func set[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = make(map[K]V)
	}
	(*m)[key] = value
}

func (w *renderer) life() {
	s, out := &w.spec, &w.out
	out.Remove, out.Volatile = s.Remove, s.Remove
	out.RestartPolicy = s.Restart.Policy
	switch {
	case s.Restart.Retries > 0 && s.Restart.Policy != "on-failure":
		w.ignore("Restart.Retries", "only the policy on-failure counts retries")
	case s.Restart.Policy != "":
		retries := uint(max(0, s.Restart.Retries))
		out.RestartRetries = &retries
	}
	if s.Remove && s.Restart.Policy != "" && s.Restart.Policy != "no" && s.Restart.Policy != "on-failure" {
		w.find(run.Conflict, run.Error, "Restart.Policy", "a container that is removed when it ends cannot be restarted %s", s.Restart.Policy)
	}
	if s.StopSignal != "" {
		number, err := signal.ParseSignal(s.StopSignal)
		if err != nil {
			w.bad("StopSignal", "%q is not a signal", s.StopSignal)
		}
		out.StopSignal = int(number)
	}
	if s.StopTimeout != nil {
		grace := uint(math.MaxUint32) // 136 years: Podman has no word for ever
		if *s.StopTimeout >= 0 {
			grace = uint(*s.StopTimeout)
		}
		out.StopTimeout = &grace
	}
	if s.Domainname != "" {
		w.ignore("Domainname", "Podman sets no domain name")
	}
}

// health makes the check. Podman changes the image's own only as a whole.
func (w *renderer) health() {
	h := w.spec.Health
	if h.StartInterval != 0 {
		w.ignore("Health.StartInterval", "Podman has no interval of its own for the start")
	}
	switch {
	case h.Disabled && h.Command != "":
		w.find(run.Conflict, run.Error, "Health.Disabled", "a health check cannot be given and switched off")
	case h.Disabled:
		w.out.Health = &Health{Test: []string{"NONE"}}
	case h.Command != "":
		w.out.Health = &Health{
			Test:        healthTest(h.Command),
			Interval:    int64(orElse(h.Interval, 30*time.Second)),
			Timeout:     int64(orElse(h.Timeout, 30*time.Second)),
			StartPeriod: int64(h.StartPeriod),
			Retries:     orElse(h.Retries, 3),
		}
		return
	}
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"Health.Interval", h.Interval != 0},
		{"Health.Timeout", h.Timeout != 0},
		{"Health.StartPeriod", h.StartPeriod != 0},
		{"Health.Retries", h.Retries != 0},
	} {
		if f.set && !h.Disabled {
			w.ignore(f.name, "Podman takes it only with Health.Command, and keeps what the image says")
		}
	}
}

func orElse[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// healthTest is the check as podman reads --health-cmd: a list of words in
// JSON, the keywords of a Dockerfile, or a command for the shell.
func healthTest(command string) []string {
	var words []string
	if err := json.Unmarshal([]byte(command), &words); err == nil && len(words) > 0 {
		switch {
		case words[0] == "CMD" || words[0] == "CMD-SHELL" || words[0] == "NONE":
			return words
		case len(words) == 1:
			return []string{"CMD-SHELL", words[0]}
		}
		return append([]string{"CMD"}, words...)
	}
	keyword, rest, _ := strings.Cut(command, " ")
	switch strings.ToUpper(keyword) {
	case "CMD":
		return strings.Fields(command)
	case "NONE":
		return []string{"NONE"}
	case "CMD-SHELL":
		return []string{"CMD-SHELL", rest}
	}
	return []string{"CMD-SHELL", command}
}

// foreignDrivers are log drivers of Docker that Podman does not have.
var foreignDrivers = []string{"syslog", "fluentd", "gelf", "awslogs", "splunk", "gcplogs", "local", "etwlogs", "logentries"}

func (w *renderer) logging() {
	log := LogConfig{Driver: w.spec.LogDriver}
	for _, p := range w.spec.LogOpts {
		switch strings.ToLower(p.Name) {
		case "driver":
			log.Driver = p.Value
		case "path":
			log.Path = p.Value
		case "max-size":
			size, err := units.FromHumanSize(p.Value)
			if err != nil {
				w.bad("LogOpts", "max-size %q is not a size", p.Value)
			}
			log.Size = size
		default:
			set(&log.Options, p.Name, p.Value)
		}
	}
	for _, driver := range foreignDrivers {
		if log.Driver == driver {
			w.refuse("LogDriver", "Podman has no log driver %q", driver)
		}
	}
	if log.Driver == "passthrough" {
		w.refuse("LogDriver", "a service cannot pass through the output to its client")
	}
	if log.Driver != "" || log.Path != "" || log.Size != 0 || log.Options != nil {
		w.out.Log = &log
	}
}
