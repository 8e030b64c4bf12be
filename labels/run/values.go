package run

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/docker/go-units"
	"github.com/moby/sys/capability"
	"github.com/moby/sys/signal"
)

// The readers below take one value as typed and give its typed form, or an
// error that completes "--flag: ".

var errEmpty = errors.New("needs a value")

func same(v string) string { return v }

func anyText(v string) (string, error) { return v, nil }

func notEmpty(v string) (string, error) {
	if v == "" {
		return "", errEmpty
	}
	return v, nil
}

func absolute(v string) (string, error) {
	if !path.IsAbs(v) {
		return "", fmt.Errorf("%q is not an absolute path", v)
	}
	return v, nil
}

func oneOf(choices ...string) func(string) (string, error) {
	return func(v string) (string, error) {
		if slices.Contains(choices, v) {
			return v, nil
		}
		return "", fmt.Errorf("%q is not one of %s", v, strings.Join(choices, ", "))
	}
}

func parseBool(v string) (bool, error) {
	on, err := strconv.ParseBool(v)
	if err != nil {
		return false, fmt.Errorf("%q is neither true nor false", v)
	}
	return on, nil
}

func parseInt(v string) (int64, error) {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", v)
	}
	return n, nil
}

func formatInt(n int64) string { return strconv.FormatInt(n, 10) }

func itoa(n int) string { return strconv.Itoa(n) }

func intBetween(low, high int64) func(string) (int64, error) {
	return func(v string) (int64, error) {
		n, err := parseInt(v)
		if err == nil && (n < low || n > high) {
			err = fmt.Errorf("%d is not between %d and %d", n, low, high)
		}
		return n, err
	}
}

func atoiBetween(low, high int64) func(string) (int, error) {
	read := intBetween(low, high)
	return func(v string) (int, error) {
		n, err := read(v)
		return int(n), err
	}
}

func atoiFrom(low int64) func(string) (int, error) { return atoiBetween(low, 1<<31-1) }

func parseSize(v string) (int64, error) {
	n, err := units.RAMInBytes(v)
	if err != nil {
		return 0, fmt.Errorf("%q is not a size", v)
	}
	return n, nil
}

func sizeOrUnlimited(v string) (int64, error) {
	if v == "-1" {
		return -1, nil
	}
	return parseSize(v)
}

func parseDuration(v string) (time.Duration, error) {
	d, err := time.ParseDuration(v)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration", v)
	}
	if d < 0 {
		return 0, fmt.Errorf("%q is negative", v)
	}
	return d, nil
}

const nanoCPU = 1_000_000_000

// parseCPUs reads a decimal exactly: 0.1 is 100000000 and not a bit less.
func parseCPUs(v string) (int64, error) {
	// Rat also reads fractions and exponents, which no engine takes.
	cpus, ok := new(big.Rat).SetString(v)
	if !ok || strings.ContainsAny(v, "/eEpPxX_") || cpus.Sign() < 0 {
		return 0, fmt.Errorf("%q is not a number of processors", v)
	}
	nano := cpus.Mul(cpus, big.NewRat(nanoCPU, 1))
	if !nano.IsInt() || !nano.Num().IsInt64() {
		return 0, fmt.Errorf("%q has too many digits", v)
	}
	return nano.Num().Int64(), nil
}

func formatCPUs(nano int64) string {
	return new(big.Rat).SetFrac64(nano, nanoCPU).FloatString(9)
}

func parseWeight(v string) (uint16, error) {
	n, err := intBetween(0, 1000)(v)
	if err == nil && n != 0 && n < 10 {
		err = fmt.Errorf("%d is not between 10 and 1000", n)
	}
	return uint16(n), err
}

func formatWeight(w uint16) string { return strconv.Itoa(int(w)) }

// lazy compiles a pattern when it is first needed: most runs of atomic need none.
func lazy(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

var cpuSet = lazy(`^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$`)

func parseCPUSet(v string) (string, error) {
	if !cpuSet().MatchString(v) {
		return "", fmt.Errorf("%q is not a list such as 0-3,7", v)
	}
	return v, nil
}

var containerName = lazy(`^[a-zA-Z0-9][a-zA-Z0-9_.-]*$`)

func parseName(v string) (string, error) {
	if !containerName().MatchString(v) {
		return "", fmt.Errorf("%q is not a container name: letters, digits, _ . and -, starting with a letter or digit", v)
	}
	return v, nil
}

func parseSignal(v string) (string, error) {
	if _, err := signal.ParseSignal(v); err != nil {
		return "", fmt.Errorf("%q is not a signal", v)
	}
	return v, nil
}

// Signal checks the name or number of a signal.
func Signal(v string) (string, error) { return parseSignal(v) }

// Seconds reads a number of seconds; -1 is for ever.
func Seconds(v string) (int, error) { return atoiFrom(-1)(v) }

func parseEnv(v string) (EnvVar, error) {
	name, value, hasValue := strings.Cut(v, "=")
	if name == "" {
		return EnvVar{}, fmt.Errorf("%q has no variable name", v)
	}
	return EnvVar{Name: name, Value: value, FromCaller: !hasValue}, nil
}

// String writes the variable as -e takes it.
func (e EnvVar) String() string {
	if e.FromCaller {
		return e.Name
	}
	return e.Name + "=" + e.Value
}

// parseSetting reads NAME=VALUE, where the value may be empty.
func parseSetting(v string) (Pair, error) {
	name, value, ok := strings.Cut(v, "=")
	if !ok || name == "" {
		return Pair{}, fmt.Errorf("%q is not NAME=VALUE", v)
	}
	return Pair{Name: name, Value: value}, nil
}

func parseLabel(v string) (Pair, error) {
	name, value, _ := strings.Cut(v, "=")
	if name == "" {
		return Pair{}, fmt.Errorf("%q has no label name", v)
	}
	return Pair{Name: name, Value: value}, nil
}

// String writes NAME=VALUE, or NAME alone when there is no value.
func (p Pair) String() string {
	if p.Value == "" {
		return p.Name
	}
	return p.assignment()
}

func (p Pair) assignment() string { return p.Name + "=" + p.Value }

// parseSecurity reads NAME=VALUE and the older NAME:VALUE.
func parseSecurity(v string) (Pair, error) {
	p := Pair{Name: v}
	if i := strings.IndexAny(v, "=:"); i >= 0 {
		p = Pair{Name: v[:i], Value: v[i+1:]}
	}
	switch p.Name {
	case "no-new-privileges", "writable-cgroups":
		if p.Value == "" {
			return p, nil
		}
		_, err := parseBool(p.Value)
		return p, err
	case "label", "apparmor", "seccomp", "systempaths", "mask", "unmask", "proc-opts":
		if p.Value == "" {
			return p, fmt.Errorf("%q needs a value, as in %s=…", v, p.Name)
		}
		return p, nil
	}
	return p, fmt.Errorf("%q is not a security option: label, apparmor, seccomp, no-new-privileges, systempaths, mask, unmask, proc-opts or writable-cgroups", v)
}

// addCaps reads capabilities in any spelling; podman also takes a list.
func addCaps(caps *[]string, v string) error {
	for name := range strings.SplitSeq(v, ",") {
		norm := strings.TrimPrefix(strings.ToUpper(name), "CAP_")
		if norm != "ALL" && !slices.Contains(knownCaps(), norm) {
			return fmt.Errorf("%q is not a capability%s", name, orHint(Nearest(norm, knownCaps())))
		}
		*caps = append(*caps, norm)
	}
	return nil
}

func knownCaps() []string {
	var names []string
	for _, c := range capability.ListKnown() {
		names = append(names, strings.ToUpper(c.String()))
	}
	return names
}

func orHint(near string) string {
	if near == "" {
		return ""
	}
	return "; did you mean " + near + "?"
}

func parseNamespace(v string, modes []string) (Namespace, error) {
	for _, mode := range modes {
		if v == mode && !strings.HasSuffix(mode, ":") {
			return Namespace(v), nil
		}
		if rest, ok := strings.CutPrefix(v, mode); ok && strings.HasSuffix(mode, ":") && rest != "" {
			return Namespace(v), nil
		}
	}
	shown := make([]string, len(modes))
	for i, mode := range modes {
		shown[i] = mode
		if strings.HasSuffix(mode, ":") {
			shown[i] += "…"
		}
	}
	return "", fmt.Errorf("%q is not one of %s", v, strings.Join(shown, ", "))
}

func parseRestart(v string) (Restart, error) {
	policy, count, counted := strings.Cut(v, ":")
	r := Restart{Policy: policy}
	switch policy {
	case "no", "always", "unless-stopped":
		if counted {
			return r, fmt.Errorf("%q: only on-failure takes a number", v)
		}
		return r, nil
	case "on-failure":
		var err error
		if counted {
			r.Retries, err = atoiFrom(0)(count)
		}
		return r, err
	}
	return r, fmt.Errorf("%q is not one of no, always, unless-stopped, on-failure[:N]", v)
}

// String writes the policy as --restart takes it.
func (r Restart) String() string {
	if r.Retries > 0 {
		return r.Policy + ":" + strconv.Itoa(r.Retries)
	}
	return r.Policy
}

// parseEntrypoint reads a program, or podman's JSON list. Empty clears the
// image's entrypoint.
func parseEntrypoint(v string) ([]string, error) {
	if !strings.HasPrefix(v, "[") {
		return []string{v}, nil
	}
	var words []string
	if err := json.Unmarshal([]byte(v), &words); err != nil {
		return nil, fmt.Errorf("%q is not a JSON list of strings", v)
	}
	if len(words) == 0 {
		return []string{""}, nil
	}
	return words, nil
}

func entrypointWords(s *Spec) []string {
	switch {
	case len(s.Entrypoint) == 0:
		return nil
	case len(s.Entrypoint) == 1 && !strings.HasPrefix(s.Entrypoint[0], "["):
		return []string{"--entrypoint=" + s.Entrypoint[0]}
	}
	// A list of strings always encodes.
	list, _ := json.Marshal(s.Entrypoint)
	return []string{"--entrypoint=" + string(list)}
}

func parseHost(v string) (Pair, error) {
	i := strings.IndexAny(v, "=:")
	if i <= 0 {
		return Pair{}, fmt.Errorf("%q is not NAME:ADDRESS", v)
	}
	p := Pair{Name: v[:i], Value: strings.Trim(v[i+1:], "[]")}
	if p.Value == "host-gateway" {
		return p, nil
	}
	_, err := address(0)(p.Value)
	return p, err
}

func parseDNS(v string) (string, error) {
	if v == "none" {
		return v, nil
	}
	return address(0)(v)
}

// address reads an IP address of version 4, 6 or, with 0, either.
func address(version int) func(string) (string, error) {
	return func(v string) (string, error) {
		ip, err := netip.ParseAddr(v)
		if err != nil || version == 4 && !ip.Is4() || version == 6 && !ip.Is6() {
			return "", fmt.Errorf("%q is not an IP%s address", v, map[int]string{4: "v4", 6: "v6"}[version])
		}
		return v, nil
	}
}

func parseMAC(v string) (string, error) {
	if _, err := net.ParseMAC(v); err != nil {
		return "", fmt.Errorf("%q is not a MAC address", v)
	}
	return v, nil
}

// parseNetwork reads a mode, a name, docker's name=…,alias=… and podman's
// NAME:ip=…,mac=….
func parseNetwork(v string) (Network, error) {
	if v == "" {
		return Network{}, errEmpty
	}
	name, opts, _ := strings.Cut(v, ":")
	if strings.HasPrefix(v, "name=") || strings.Contains(v, ",name=") {
		name, opts = "", v
	} else if name == "container" || name == "ns" || !strings.Contains(opts, "=") && opts != "" {
		return Network{Name: v}, nil
	}
	n := Network{Name: name}
	if opts == "" {
		return n, nil
	}
	for opt := range strings.SplitSeq(opts, ",") {
		p, err := parseLabel(opt)
		if err != nil {
			return n, fmt.Errorf("%q is not NAME=VALUE", opt)
		}
		if p.Name == "name" {
			n.Name = p.Value
			continue
		}
		n.Options = append(n.Options, p)
	}
	if n.Name == "" {
		return n, fmt.Errorf("%q names no network", v)
	}
	return n, nil
}

// String writes the network as --network takes it.
func (n Network) String() string {
	if len(n.Options) == 0 {
		return n.Name
	}
	words := []string{"name=" + n.Name}
	for _, p := range n.Options {
		words = append(words, p.String())
	}
	return strings.Join(words, ",")
}

func networkWords(s *Spec) []string {
	var words []string
	for _, n := range s.Networks {
		words = append(words, "--net="+n.String())
	}
	return words
}

func each(prefix string, values []string) []string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = prefix + v
	}
	return words
}
