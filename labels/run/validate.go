package run

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Validate tells what in a Spec contradicts itself. The findings name fields
// and have no place in a text.
func Validate(s Spec) []Finding {
	var findings []Finding
	refuse := func(field, hint, format string, args ...any) {
		findings = append(findings, Finding{
			Code: Conflict, Level: Error, Field: field, Hint: hint, Message: fmt.Sprintf(format, args...),
		})
	}
	if s.Remove && s.Restart.Policy != "" && s.Restart.Policy != "no" {
		refuse("Restart", "leave out one of the two", "--rm removes the container when it ends, --restart=%s starts it again", s.Restart)
	}
	if s.Detach && len(s.Attach) > 0 {
		refuse("Attach", "leave out one of the two", "--detach runs in the background, --attach=%s in the foreground", s.Attach[0])
	}
	if h := s.Health; h.Disabled && h != (Health{Disabled: true}) {
		refuse("Health.Disabled", "leave out --no-healthcheck", "--no-healthcheck contradicts the other --health options")
	}
	if s.UTS == Host && (s.Hostname != "" || s.Domainname != "") {
		refuse("UTS", "leave out one of the two", "--uts=host has the host's name, --hostname another")
	}
	if s.MemorySwap > 0 && s.Memory > s.MemorySwap {
		refuse("MemorySwap", "it is memory and swap together", "--memory-swap is smaller than --memory")
	}
	if s.NanoCPUs != 0 && (s.CPUQuota != 0 || s.CPUPeriod != 0) {
		refuse("NanoCPUs", "leave out one of the two", "--cpus and --cpu-period or --cpu-quota say the same thing twice")
	}
	findings = append(findings, networkConflicts(s)...)
	return append(findings, mountConflicts(s)...)
}

// networkConflicts tells which network options the network mode rules out.
func networkConflicts(s Spec) []Finding {
	var findings []Finding
	for i, n := range s.Networks {
		shared := n.Name == "host" || n.Name == "none" || strings.HasPrefix(n.Name, "container:") || strings.HasPrefix(n.Name, "ns:")
		if shared && len(s.Networks) > 1 {
			return []Finding{{
				Code: Conflict, Level: Error, Field: "Networks",
				Message: fmt.Sprintf("--net=%s cannot be combined with %s", n.Name, s.Networks[(i+1)%len(s.Networks)].Name),
				Hint:    "leave one network",
			}}
		}
		if shared && (len(s.Ports) > 0 || s.PublishAll) {
			findings = append(findings, Finding{
				Code: IgnoredFlag, Level: Warning, Field: "Ports",
				Message: fmt.Sprintf("with --net=%s ports are not published", n.Name), Hint: "leave out -p",
			})
		}
		if strings.HasPrefix(n.Name, "container:") && s.Hostname != "" {
			findings = append(findings, Finding{
				Code: Conflict, Level: Error, Field: "Hostname",
				Message: fmt.Sprintf("with --net=%s the host name is the other container's", n.Name), Hint: "leave out --hostname",
			})
		}
	}
	return findings
}

// mountConflicts tells which targets are mounted over twice.
func mountConflicts(s Spec) []Finding {
	var findings []Finding
	var targets []string
	for _, m := range s.Mounts {
		target := path.Clean(m.Target)
		if slices.Contains(targets, target) {
			findings = append(findings, Finding{
				Code: Conflict, Level: Error, Field: "Mounts",
				Message: fmt.Sprintf("two mounts at %s", target), Hint: "leave out one of them",
			})
		}
		targets = append(targets, target)
	}
	return findings
}
