package docker

import (
	"slices"
	"strings"

	"github.com/projectatomic/atomic/labels/run"
)

// namespace translates what podman calls what Docker does where it is told
// nothing.
func (b *builder) namespace(n run.Namespace, usual ...run.Namespace) string {
	if slices.Contains(usual, n) {
		return ""
	}
	return string(n)
}

func (b *builder) security(spec run.Spec) {
	h := b.host
	h.Privileged = spec.Privileged
	h.CapAdd, h.CapDrop = spec.CapAdd, spec.CapDrop
	h.Sysctls = pairMap(spec.Sysctls)
	for i, o := range spec.SecurityOpts {
		b.securityOption(indexed("SecurityOpts", i, ""), o)
	}
}

// securityOption takes NAME=VALUE. That of paths Docker's engine does not know
// as an option: its client translates it.
func (b *builder) securityOption(field string, o run.Pair) {
	text := o.Name
	if o.Value != "" {
		text += "=" + o.Value
	}
	switch {
	case text == "systempaths=unconfined", strings.EqualFold(text, "unmask=all"):
		// Empty, and not null, is none at all.
		b.host.MaskedPaths, b.host.ReadonlyPaths = []string{}, []string{}
	case o.Name == "mask", o.Name == "unmask", o.Name == "proc-opts", text == "label=nested",
		strings.HasPrefix(text, "label=filetype:"):
		b.lack(run.Error, field, "Docker has no security option %q", text)
	default:
		b.host.SecurityOpt = append(b.host.SecurityOpt, text)
	}
}
