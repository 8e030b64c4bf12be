package images

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
)

// Probes are the facts that Detect decides by. Probe gathers those that lie
// about on the machine; the first three are the user's wishes.
type Probes struct {
	Wanted      string // the engine asked for: docker, podman, or empty for either
	ConfDocker  string // default_docker of the configuration: docker, docker-latest, podman, …
	ConfStorage string // default_storage of the configuration: docker, ostree, …

	DockerHost    string // $DOCKER_HOST
	ContainerHost string // $CONTAINER_HOST
	UID           int
	Sockets       []Socket // in order of preference
	PodmanProgram string   // path, empty if it is not installed
	DockerProgram string   // path, empty if it is not installed
	Installer     string   // of packages: apt-get, dnf, rpm-ostree, or empty
}

// A Socket is a place where an engine usually listens.
type Socket struct {
	Kind     Kind
	URL      string // unix:///…
	Rootless bool   // of the user's own engine
	State    SocketState
	Err      error // why it does not answer
}

// SocketState is what became of an attempt to connect.
type SocketState string

// The states of a socket. Something listening is all that SocketAnswers says.
const (
	SocketAbsent  SocketState = "absent"
	SocketAnswers SocketState = "answers"
	SocketRefused SocketState = "refused"
	SocketDenied  SocketState = "denied"
	SocketTimeout SocketState = "timeout"
)

// A Choice is an engine to connect to.
type Choice struct {
	Kind Kind
	URL  string
	// Serve is the podman program whose service has to be started, because no
	// socket answers; URL is empty then.
	Serve string
	// Reasons are sentences that tell how the choice came about, and what was
	// passed over and why.
	Reasons []string
	// Advice is what to do in case there is no engine at URL after all.
	Advice []string
}

// NoEngineError says that there is no engine to be had. It is ErrDenied when
// there is one that the user may not reach, and ErrUnreachable otherwise.
type NoEngineError struct {
	Tried  []string // what was tried and why it failed
	Advice []string // commands that would help
	cause  error
}

// Error lists what was tried.
func (e *NoEngineError) Error() string {
	return "no container engine: " + strings.Join(e.Tried, "; ")
}

// Unwrap gives ErrDenied or ErrUnreachable.
func (e *NoEngineError) Unwrap() error { return e.cause }

// Detect chooses an engine, in this order: the one that DOCKER_HOST or
// CONTAINER_HOST names, whether or not something answers there; the one that
// the configuration prefers, if its socket answers; the first whose socket
// answers; podman's program. An engine asked for by name restricts all of
// them. The Choice has its reasons also when there is an error.
func Detect(p Probes) (Choice, error) {
	d := detection{Probes: p}
	switch Kind(p.Wanted) {
	case "", Docker, Podman:
	default:
		return Choice{}, fmt.Errorf("unknown engine %q: it is %s or %s", p.Wanted, Docker, Podman)
	}
	d.prefer()
	for _, choose := range []func() (Choice, bool){d.byVariable, d.bySocket, d.byProgram} {
		if choice, ok := choose(); ok {
			choice.Reasons = d.reasons
			return choice, nil
		}
	}
	return Choice{Reasons: d.reasons}, &NoEngineError{Tried: d.tried, Advice: d.advice(), cause: d.cause()}
}

// A detection is on its way to a Choice.
type detection struct {
	Probes
	preferred Kind
	reasons   []string
	tried     []string // what could not be chosen
}

// say leaves a reason.
func (d *detection) say(format string, args ...any) {
	d.reasons = append(d.reasons, fmt.Sprintf(format, args...))
}

// pass leaves the reason why something that could have been an engine is not.
func (d *detection) pass(what, why string) {
	d.say("%s is passed over: %s", what, why)
	d.tried = append(d.tried, what+": "+why)
}

// wants tells whether an engine may be chosen.
func (d *detection) wants(kind Kind) bool { return d.Wanted == "" || Kind(d.Wanted) == kind }

// prefer finds out what the user's wishes come to.
func (d *detection) prefer() {
	if d.Wanted != "" {
		d.say("%s was asked for, nothing else is considered", d.Wanted)
		return
	}
	for _, conf := range []struct{ key, value string }{
		{"default_docker", d.ConfDocker},
		{"default_storage", d.ConfStorage},
	} {
		kind := engineOf(conf.value)
		switch {
		case conf.value == "":
		case kind == "":
			d.say("%s: %s of the configuration is passed over: it is neither docker nor podman", conf.key, conf.value)
		case d.preferred == "":
			d.preferred = kind
			d.say("%s: %s of the configuration prefers %s", conf.key, conf.value, kind)
		case kind != d.preferred:
			d.say("%s: %s of the configuration is passed over: default_docker comes first", conf.key, conf.value)
		}
	}
}

// engineOf gives the engine that a value of the configuration stands for. The
// values are names of programs and of stores.
func engineOf(value string) Kind {
	name := path.Base(strings.ToLower(strings.TrimSpace(value)))
	switch {
	case strings.HasPrefix(name, string(Docker)):
		return Docker // docker-latest and docker-current once were packages
	case strings.HasPrefix(name, string(Podman)), name == "containers-storage":
		return Podman
	}
	return ""
}

// A variable of the environment names an engine's address.
type variable struct {
	name, value string
	kind        Kind
}

func (v variable) String() string { return v.name + "=" + withoutPassword(v.value) }

// byVariable takes the engine that the environment names. Whether it answers
// is not looked at: falling back to another engine than the one named would
// run containers on the wrong machine.
func (d *detection) byVariable() (Choice, bool) {
	var set []variable
	for _, v := range []variable{
		{"DOCKER_HOST", d.DockerHost, Docker},
		{"CONTAINER_HOST", d.ContainerHost, Podman},
	} {
		switch {
		case v.value == "":
		case d.wants(v.kind):
			set = append(set, v)
		default:
			d.pass(v.String(), fmt.Sprintf("it is for %s, and %s was asked for", v.kind, d.Wanted))
		}
	}
	if len(set) == 0 {
		return Choice{}, false
	}
	v, why := set[0], "it is set, and sockets do not count then"
	if len(set) == 2 {
		other := set[1]
		why = "labels are written for docker"
		if d.preferred != "" {
			why = "the configuration prefers " + string(d.preferred)
		}
		if d.preferred == other.kind {
			v, other = other, v
		}
		d.say("%s is passed over: %s is set too", other, v.name)
	} else if d.preferred != "" && d.preferred != v.kind {
		d.say("the preference for %s is passed over: the environment comes first", d.preferred)
	}
	d.say("%s is chosen: %s", v, why)
	return Choice{Kind: v.kind, URL: v.value, Advice: []string{"unset " + v.name}}, true
}

// withoutPassword hides the password in an address.
func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		_, host, found := strings.Cut(address, "@")
		if found {
			return "…@" + host
		}
		return address
	}
	if _, ok := u.User.Password(); ok {
		return u.Redacted()
	}
	return address
}

// considered are the sockets that could be chosen, best first.
func (d *detection) considered() []Socket {
	var first, rest []Socket
	for _, s := range d.Sockets {
		switch {
		case !d.wants(s.Kind):
		case s.Kind == d.preferred:
			first = append(first, s)
		default:
			rest = append(rest, s)
		}
	}
	return append(first, rest...)
}

// bySocket takes the first engine whose socket answers.
func (d *detection) bySocket() (Choice, bool) {
	var choice Choice
	for _, s := range d.considered() {
		switch {
		case s.State != SocketAnswers:
			d.pass(s.String(), s.why())
		case choice.URL == "":
			choice = Choice{Kind: s.Kind, URL: s.URL}
			d.say("%s is chosen: it answers", s)
		default:
			d.say("%s is passed over: it answers, but the other comes first", s)
		}
	}
	return choice, choice.URL != ""
}

// String names the socket as a user would.
func (s Socket) String() string {
	if s.Rootless {
		return fmt.Sprintf("rootless %s at %s", s.Kind, s.URL)
	}
	return fmt.Sprintf("%s at %s", s.Kind, s.URL)
}

// why tells why a socket cannot be used.
func (s Socket) why() string {
	switch {
	case s.State == SocketAbsent:
		return "not there"
	case s.Err != nil:
		return s.Err.Error()
	case s.State == SocketDenied:
		return "permission denied"
	case s.State == SocketTimeout:
		return "no answer"
	}
	return "connection refused"
}

// byProgram takes podman's program, which needs no daemon.
func (d *detection) byProgram() (Choice, bool) {
	const name = "the program podman"
	switch {
	case !d.wants(Podman):
		if d.PodmanProgram != "" {
			d.say("%s is passed over: %s was asked for", d.PodmanProgram, d.Wanted)
		}
		return Choice{}, false
	case d.PodmanProgram == "":
		d.pass(name, "not in $PATH")
		return Choice{}, false
	}
	d.say("podman is chosen: no socket answers, but %s can serve", d.PodmanProgram)
	return Choice{Kind: Podman, Serve: d.PodmanProgram}, true
}

// cause tells an engine that is not there from one that is kept from the user.
func (d *detection) cause() error {
	if slices.ContainsFunc(d.considered(), func(s Socket) bool { return s.State == SocketDenied }) {
		return ErrDenied
	}
	return ErrUnreachable
}

// advice gives the commands that help when there is no engine.
func (d *detection) advice() []string {
	var lines []string
	add := func(line string) {
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	for _, s := range d.considered() {
		switch {
		case s.State == SocketDenied && d.UID != 0:
			add("sudo atomic …")
		case s.State == SocketDenied:
			add("ls -lZ " + strings.TrimPrefix(s.URL, "unix://"))
		case s.State == SocketTimeout:
			add(d.systemctl("status", s))
		case s.State == SocketRefused:
			add(d.systemctl("start", s))
		}
	}
	if len(lines) > 0 {
		return lines
	}
	if d.wants(Docker) && d.DockerProgram != "" {
		return []string{d.systemctl("start", Socket{Kind: Docker})}
	}
	return d.install()
}

// systemctl gives the command that starts, or looks at, what should listen on
// a socket.
func (d *detection) systemctl(verb string, s Socket) string {
	unit := "docker"
	switch {
	case s.Kind == Podman && verb == "start":
		verb, unit = "enable --now", "podman.socket"
	case s.Kind == Podman:
		unit = "podman.socket"
	case d.ConfDocker == "docker-latest":
		unit = d.ConfDocker
	}
	if s.Rootless {
		return fmt.Sprintf("systemctl --user %s %s", verb, unit)
	}
	return d.sudo() + fmt.Sprintf("systemctl %s %s", verb, unit)
}

// install gives the commands that install an engine. Docker has a name of its
// own in each distribution.
func (d *detection) install() []string {
	installers := []string{"apt-get", "dnf"}
	if d.Installer != "" {
		installers = []string{d.Installer}
	}
	var lines []string
	for _, installer := range installers {
		name := "podman"
		switch {
		case d.wants(Podman):
		case installer == "apt-get":
			name = "docker.io"
		default:
			name = "moby-engine"
		}
		lines = append(lines, fmt.Sprintf("%s%s install %s", d.sudo(), installer, name))
	}
	return lines
}

func (d *detection) sudo() string {
	if d.UID != 0 {
		return "sudo "
	}
	return ""
}
