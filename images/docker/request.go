package docker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/projectatomic/atomic/labels/run"
)

// callerFields are the fields of a Spec that say what the one who runs a
// container does around it. No request to the engine holds them: files are
// read, pulls made and streams handled before and after. Create refuses a spec
// in which files of variables or labels are still to be read.
var callerFields = []string{"CIDFile", "DetachKeys", "EnvFiles", "LabelFiles", "NoSigProxy", "Pull", "Quiet"}

// CreateRequest is what a Spec becomes in Docker's API, as docker's own command
// line has it, and what Docker cannot express of the Spec. What podman spells
// otherwise is translated. It does no I/O: a seccomp profile is still the name
// of a file.
func CreateRequest(spec run.Spec) (client.ContainerCreateOptions, []run.Finding) {
	b := &builder{
		config: &container.Config{},
		// New containers of docker's command line never have these null.
		host: &container.HostConfig{DNSOptions: []string{}, DNSSearch: []string{}},
		ends: make(map[string]*network.EndpointSettings),
	}
	b.identity(spec)
	b.process(spec)
	b.streams(spec)
	b.life(spec)
	b.mounts(spec)
	b.devices(spec)
	b.block(spec)
	b.network(spec)
	b.ports(spec)
	b.resolver(spec)
	b.namespaces(spec)
	b.security(spec)
	b.limits(spec)
	b.logging(spec)
	b.o.Config, b.o.HostConfig = b.config, b.host
	if len(b.ends) > 0 {
		b.o.NetworkingConfig = &network.NetworkingConfig{EndpointsConfig: b.ends}
	}
	return b.o, b.findings
}

// A builder collects a request and what does not fit in.
type builder struct {
	o        client.ContainerCreateOptions
	config   *container.Config
	host     *container.HostConfig
	ends     map[string]*network.EndpointSettings
	findings []run.Finding
}

// lack tells that Docker cannot express a field. It is an error where leaving
// the field out would change what the container may do or see.
func (b *builder) lack(level run.Level, field, format string, args ...any) {
	b.findings = append(b.findings, run.Finding{
		Code: run.NotSupported, Level: level, Field: field, Message: fmt.Sprintf(format, args...),
	})
}

// bad tells that a value is none.
func (b *builder) bad(field, format string, args ...any) {
	b.findings = append(b.findings, run.Finding{
		Code: run.BadValue, Level: run.Error, Field: field, Message: fmt.Sprintf(format, args...),
	})
}

func (b *builder) identity(spec run.Spec) {
	b.o.Name = spec.Name
	b.config.Image = spec.Image
	b.config.Labels = pairMap(spec.Labels)
	b.host.Annotations = pairMap(spec.Annotations)
	if spec.Platform != "" {
		p, err := parsePlatform(spec.Platform)
		if err != nil {
			b.bad("Platform", "%v", err)
			return
		}
		b.o.Platform = p
	}
}

// pairMap is nil without pairs; the last of a name counts.
func pairMap(pairs []run.Pair) map[string]string {
	if len(pairs) == 0 {
		return nil
	}
	m := make(map[string]string, len(pairs))
	for _, p := range pairs {
		m[p.Name] = p.Value
	}
	return m
}

func (b *builder) process(spec run.Spec) {
	c := b.config
	c.Cmd = spec.Args
	c.Entrypoint = spec.Entrypoint
	c.User = spec.User
	c.WorkingDir = spec.WorkDir
	b.host.GroupAdd = spec.Groups
	for i, g := range spec.Groups {
		if g == "keep-groups" {
			b.lack(run.Error, fmt.Sprintf("Groups[%d]", i), "Docker cannot keep the groups of the caller")
		}
	}
	for _, v := range spec.Env {
		if !v.FromCaller { // else Create refuses: its value is not known
			c.Env = append(c.Env, v.Name+"="+v.Value)
		}
	}
	if spec.Init {
		b.host.Init = &spec.Init
	}
}

// streams follows docker: all output is attached where nothing is said, and
// stdin is for one client when that client is the one who creates.
func (b *builder) streams(spec run.Spec) {
	c := b.config
	c.Tty, c.OpenStdin = spec.TTY, spec.Stdin
	if spec.Detach {
		return
	}
	c.AttachStdin = spec.Stdin || slices.Contains(spec.Attach, "stdin")
	c.AttachStdout = len(spec.Attach) == 0 || slices.Contains(spec.Attach, "stdout")
	c.AttachStderr = len(spec.Attach) == 0 || slices.Contains(spec.Attach, "stderr")
	c.StdinOnce = c.OpenStdin && c.AttachStdin
}

func (b *builder) life(spec run.Spec) {
	c, h := b.config, b.host
	h.AutoRemove = spec.Remove
	h.RestartPolicy = container.RestartPolicy{
		Name:              container.RestartPolicyMode(spec.Restart.Policy),
		MaximumRetryCount: spec.Restart.Retries,
	}
	if spec.Restart.Policy == "" {
		h.RestartPolicy.Name = container.RestartPolicyDisabled
	}
	c.StopSignal, c.StopTimeout = spec.StopSignal, spec.StopTimeout
	h.Runtime = spec.Runtime
	health := spec.Health
	switch {
	case health.Disabled:
		c.Healthcheck = &container.HealthConfig{Test: []string{"NONE"}}
	case health != run.Health{}:
		c.Healthcheck = &container.HealthConfig{
			Interval:      health.Interval,
			Timeout:       health.Timeout,
			StartPeriod:   health.StartPeriod,
			StartInterval: health.StartInterval,
			Retries:       health.Retries,
		}
		if health.Command != "" {
			c.Healthcheck.Test = []string{"CMD-SHELL", health.Command}
		}
	}
}

// namespaces leaves out "private" where it is what Docker does anyway and has
// no word for.
func (b *builder) namespaces(spec run.Spec) {
	h := b.host
	h.PidMode = container.PidMode(b.namespace(spec.PID, "private"))
	if n := h.PidMode; !n.Valid() {
		b.lack(run.Error, "PID", "Docker has no PID namespace %q", spec.PID)
	}
	h.IpcMode = container.IpcMode(spec.IPC)
	if !h.IpcMode.Valid() {
		b.lack(run.Error, "IPC", "Docker has no IPC namespace %q", spec.IPC)
	}
	h.UTSMode = container.UTSMode(b.namespace(spec.UTS, "private"))
	if !h.UTSMode.Valid() {
		b.lack(run.Error, "UTS", "Docker has no UTS namespace %q", spec.UTS)
	}
	h.UsernsMode = container.UsernsMode(spec.UserNS)
	if !h.UsernsMode.Valid() {
		b.lack(run.Error, "UserNS", "Docker has no user namespace %q; it has one mapping for all containers, set in daemon.json", spec.UserNS)
	}
	h.CgroupnsMode = container.CgroupnsMode(spec.CgroupNS)
	if !h.CgroupnsMode.Valid() {
		b.lack(run.Error, "CgroupNS", "Docker has no cgroup namespace %q", spec.CgroupNS)
	}
	h.CgroupParent = spec.CgroupParent
}

func (b *builder) logging(spec run.Spec) {
	l := &b.host.LogConfig
	l.Type, l.Config = spec.LogDriver, pairMap(spec.LogOpts)
	switch spec.LogDriver {
	case "k8s-file": // podman's name for files beside the container
		l.Type = "json-file"
	case "passthrough", "passthrough-tty":
		l.Type = ""
		b.lack(run.Warning, "LogDriver", "Docker cannot hand its client's streams to the container; its usual log driver is taken")
	}
}

// indexed names an element of a field.
func indexed(field string, i int, sub string) string {
	return strings.TrimSuffix(fmt.Sprintf("%s[%d].%s", field, i, sub), ".")
}
