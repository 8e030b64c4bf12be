package podman

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/projectatomic/atomic/labels/run"
)

var update = flag.Bool("update", false, "write the golden files")

// samples are values for fields that do not take anything.
var samples = map[string]any{
	"StopSignal":         "SIGHUP",
	"PID":                run.Host,
	"IPC":                run.Host,
	"UTS":                run.Host,
	"UserNS":             run.Host,
	"CgroupNS":           run.Host,
	"Platform":           "linux/arm64/v8",
	"DeviceCgroupRules":  []string{"c 42:* rmw"},
	"GPUs":               []string{"all"},
	"DNS":                []string{"10.0.0.1"},
	"Networks.Options":   []run.Pair{{Name: "alias", Value: "other"}},
	"Networks.Name":      "other",
	"Mounts.Type":        run.Tmpfs,
	"Mounts.Options":     []string{"ro"},
	"SecurityOpts.Name":  "apparmor",
	"SecurityOpts.Value": "user:other",
	"Sysctls.Name":       "net.other",
	"LogOpts.Name":       "path",
	"Ports.Container.To": uint16(80),
	"Ports.Host.To":      uint16(95),
	"Expose.To":          uint16(80),
}

// elements are what a field of one element is set in.
var elements = map[string]any{
	"Env":          run.EnvVar{Name: "A"},
	"Mounts":       run.Mount{Type: run.Bind, Source: "/source", Target: "/target"},
	"Devices":      run.Device{Source: "/dev/null"},
	"BlkioDevices": run.DeviceWeight{Path: "/dev/sda"},
	"ReadBps":      run.DeviceRate{Path: "/dev/sda"},
	"WriteBps":     run.DeviceRate{Path: "/dev/sda"},
	"ReadIOps":     run.DeviceRate{Path: "/dev/sda"},
	"WriteIOps":    run.DeviceRate{Path: "/dev/sda"},
	"Networks":     run.Network{Name: "one"},
	"Ports":        run.Port{Host: run.PortRange{From: 90, To: 90}, Container: run.PortRange{From: 70, To: 70}},
	"Expose":       run.PortRange{From: 70, To: 70},
	"Hosts":        run.Pair{Name: "a", Value: "10.0.0.1"},
	"SecurityOpts": run.Pair{Name: "label", Value: "disable"},
	"Sysctls":      run.Pair{Name: "net.a", Value: "1"},
	"Ulimits":      run.Ulimit{Name: "nofile", Soft: 1, Hard: 2},
	"Labels":       run.Pair{Name: "a"},
	"Annotations":  run.Pair{Name: "a"},
	"LogOpts":      run.Pair{Name: "a", Value: "1"},
	"StorageOpts":  run.Pair{Name: "a"},
}

// leaves calls f for each field of v, a struct, that is no struct itself; v
// has the field set while f runs.
func leaves(t *testing.T, prefix string, v reflect.Value, f func(path string)) {
	t.Helper()
	for i := range v.NumField() {
		path := prefix + v.Type().Field(i).Name
		field := v.Field(i)
		before := reflect.New(field.Type()).Elem()
		before.Set(field)
		switch {
		case field.Kind() == reflect.Struct:
			leaves(t, path+".", field, f)
			continue
		case samples[path] != nil:
			field.Set(reflect.ValueOf(samples[path]).Convert(field.Type()))
		default:
			fill(t, path, field)
		}
		f(path)
		field.Set(before)
	}
}

// fill sets a value to something.
func fill(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("something")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(30)
	case reflect.Uint16, reflect.Uint64:
		v.SetUint(30)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, path, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		if v.Type().Elem().Kind() != reflect.Struct {
			fill(t, path, v.Index(0))
			return
		}
		if elements[path] == nil {
			t.Fatalf("no element for %s: tell the test of the new field", path)
		}
		v.Index(0).Set(reflect.ValueOf(elements[path]))
	default:
		t.Fatalf("%s is a %s: teach the test", path, v.Type())
	}
}

// checkLeaf demands that a field changes the request, or is named by a
// finding, or is the caller's.
func checkLeaf(t *testing.T, path string, base, changed run.Spec) {
	t.Helper()
	was, before := CreateRequest(base)
	is, after := CreateRequest(changed)
	_, callers := callerFields[path]
	named := slices.ContainsFunc(after, func(f run.Finding) bool {
		field := regexp.MustCompile(`\[\d+\]`).ReplaceAllString(f.Field, "")
		return !slices.Contains(before, f) && (field == path || strings.HasPrefix(path, field+"."))
	})
	moved := !cmp.Equal(was, is)
	switch {
	case callers && (moved || named):
		t.Errorf("%s is the caller's, and yet it makes a difference", path)
	case !callers && !moved && !named:
		t.Errorf("%s makes no difference, and no finding says so: %+v", path, after)
	}
}

func TestEveryFieldCounts(t *testing.T) {
	var spec run.Spec
	leaves(t, "", reflect.ValueOf(&spec).Elem(), func(path string) {
		checkLeaf(t, path, run.Spec{}, spec)
	})
	for name, element := range elements {
		var base, changed run.Spec
		for _, s := range []*run.Spec{&base, &changed} {
			field := reflect.ValueOf(s).Elem().FieldByName(name)
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
			field.Index(0).Set(reflect.ValueOf(element))
		}
		leaves(t, name+".", reflect.ValueOf(&changed).Elem().FieldByName(name).Index(0), func(path string) {
			checkLeaf(t, path, base, changed)
		})
	}
}

func TestEveryCallerFieldIsThere(t *testing.T) {
	there := make(map[string]bool)
	leaves(t, "", reflect.ValueOf(&run.Spec{}).Elem(), func(path string) { there[path] = true })
	for name, element := range elements {
		v := reflect.New(reflect.TypeOf(element)).Elem()
		leaves(t, name+".", v, func(path string) { there[path] = true })
	}
	for path := range callerFields {
		if !there[path] {
			t.Errorf("%s is not a field of run.Spec", path)
		}
	}
}

// ptr is a pointer to a value.
func ptr[T any](v T) *T { return &v }

// toolsSpec is the tools container of the original, with more of everything.
func toolsSpec() run.Spec {
	return run.Spec{
		Name: "rhel-tools", Image: "rhel7/rhel-tools", Args: []string{"/bin/bash", "-c", "echo $HOST"},
		TTY: true, Stdin: true, Privileged: true, PID: run.Host, IPC: run.Host,
		Networks: []run.Network{{Name: "host"}},
		Env:      []run.EnvVar{{Name: "HOST", Value: "/host"}, {Name: "NAME", Value: "rhel-tools"}},
		Mounts: []run.Mount{
			{Type: run.Bind, Source: "/run", Target: "/run"},
			{Type: run.Bind, Source: "/", Target: "/host", Options: []string{"rslave", "z"}},
			{Type: run.Bind, Source: "/usr", Target: "/changes", Options: []string{"O"}},
			{Type: run.Volume, Source: "cache", Target: "/cache", Options: []string{"nocopy", "cached"}},
			{Type: run.Volume, Target: "/anonymous"},
			{Type: run.Tmpfs, Target: "/scratch/", Options: []string{"size=64m"}},
		},
		Restart: run.Restart{Policy: "on-failure", Retries: 3}, StopTimeout: ptr(-1), StopSignal: "RTMIN+3",
		Health:       run.Health{Command: "curl -f localhost", Timeout: 2 * time.Second},
		SecurityOpts: []run.Pair{{Name: "label", Value: "disable"}, {Name: "seccomp", Value: "unconfined"}},
		Memory:       64 << 20, NanoCPUs: 1_500_000_000, PidsLimit: ptr(int64(-1)),
		Ulimits: []run.Ulimit{{Name: "nofile", Soft: 1024, Hard: -1}},
		Ports:   []run.Port{{HostIP: "0.0.0.0", Host: run.PortRange{From: 8000, To: 8001}, Container: run.PortRange{From: 80, To: 81, Protocol: "tcp"}}},
		Labels:  []run.Pair{{Name: "a", Value: "1"}, {Name: "a", Value: "2"}},
	}
}

func TestCreateRequestGolden(t *testing.T) {
	for name, spec := range map[string]run.Spec{
		"plain": {Image: "busybox"},
		"tools": toolsSpec(),
		"network": {
			Image: "busybox", Hostname: "box", IP: "10.88.0.7", MAC: "92:d0:c6:0a:29:33", NetworkAliases: []string{"other"},
			Hosts: []run.Pair{{Name: "me", Value: "10.0.0.1"}, {Name: "host", Value: "host-gateway"}},
			DNS:   []string{"10.0.0.2"}, DNSSearch: []string{"example.com"}, DNSOptions: []string{"ndots:2"},
			Expose:     []run.PortRange{{From: 53, To: 54, Protocol: "udp"}, {From: 53, To: 53, Protocol: "tcp"}},
			PublishAll: true,
		},
		"limits": {
			Image: "busybox", ReadOnly: true, ShmSize: 1 << 20, MemorySwap: -1, MemorySwappiness: ptr(int64(0)), OOMKillDisable: true,
			CPUShares: 512, CPUSetCPUs: "0-1", BlkioWeight: 100,
			BlkioDevices:      []run.DeviceWeight{{Path: "/dev/sda", Weight: 200}},
			ReadBps:           []run.DeviceRate{{Path: "/dev/sda", Rate: 1 << 20}},
			Devices:           []run.Device{{Source: "/dev/fuse"}, {Source: "/dev/null", Permissions: "r"}, {Source: "/dev/a", Target: "/dev/b", Permissions: "rw"}},
			DeviceCgroupRules: []string{"c 42:* rmw", "b 8:1 r"}, GPUs: []string{"device=0,1"},
			UserNS: "auto:size=1024,uidmapping=0:5000:1", CgroupNS: "ns:/proc/1/ns/cgroup", UTS: "container:other",
			CapAdd: []string{"NET_ADMIN"}, CapDrop: []string{"ALL"}, Sysctls: []run.Pair{{Name: "net.ipv4.ip_forward", Value: "1"}},
			SecurityOpts: []run.Pair{{Name: "no-new-privileges"}, {Name: "mask", Value: "/a:/b"}, {Name: "systempaths", Value: "unconfined"}, {Name: "label", Value: "nested"}},
			OOMScoreAdj:  ptr(-500), Remove: true, LogDriver: "k8s-file", LogOpts: []run.Pair{{Name: "max-size", Value: "10m"}, {Name: "tag", Value: "x"}},
		},
	} {
		r, findings := CreateRequest(spec)
		for _, f := range findings {
			if f.Level != run.Note {
				t.Errorf("%s: %+v", name, f)
			}
		}
		got, err := json.MarshalIndent(r, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		file := "testdata/" + name + ".json"
		if *update {
			if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)+"\n"); d != "" {
			t.Errorf("%s (-want +got):\n%s", file, d)
		}
	}
}

// A findingCase is a spec and what is found about it.
type findingCase struct {
	spec run.Spec
	want []finding
}

type finding struct {
	code  run.Code
	level run.Level
	field string
}

func refused(field string) []finding  { return []finding{{run.NotSupported, run.Error, field}} }
func bad(field string) []finding      { return []finding{{run.BadValue, run.Error, field}} }
func conflict(field string) []finding { return []finding{{run.Conflict, run.Error, field}} }
func ignored(field string) []finding  { return []finding{{run.NotSupported, run.Warning, field}} }

func bind(options ...string) run.Spec {
	return run.Spec{Mounts: []run.Mount{{Type: run.Bind, Source: "/a", Target: "/a", Options: options}}}
}

func volume(options ...string) run.Spec {
	return run.Spec{Mounts: []run.Mount{{Type: run.Volume, Source: "a", Target: "/a", Options: options}}}
}

func networks(names ...string) run.Spec {
	var s run.Spec
	for _, n := range names {
		s.Networks = append(s.Networks, run.Network{Name: n})
	}
	return s
}

func with(s run.Spec, f func(*run.Spec)) run.Spec {
	f(&s)
	return s
}

// lifeFindings are about the process, its life and its files.
func lifeFindings() map[string]findingCase {
	return map[string]findingCase{
		"links":                  {run.Spec{Links: []string{"a"}}, refused("Links")},
		"link-local":             {run.Spec{LinkLocalIPs: []string{"169.254.0.1"}}, refused("LinkLocalIPs")},
		"domain name":            {run.Spec{Domainname: "x"}, ignored("Domainname")},
		"kernel memory":          {run.Spec{KernelMemory: 1}, ignored("KernelMemory")},
		"keep-groups":            {run.Spec{Groups: []string{"keep-groups"}}, refused("Groups[0]")},
		"signal":                 {run.Spec{StopSignal: "SIGX"}, bad("StopSignal")},
		"always and --rm":        {run.Spec{Remove: true, Restart: run.Restart{Policy: "always"}}, conflict("Restart.Policy")},
		"on-failure and --rm":    {run.Spec{Remove: true, Restart: run.Restart{Policy: "on-failure"}}, nil},
		"retries of nothing":     {run.Spec{Restart: run.Restart{Retries: 2}}, ignored("Restart.Retries")},
		"health without command": {run.Spec{Health: run.Health{Retries: 2}}, ignored("Health.Retries")},
		"health on and off":      {run.Spec{Health: run.Health{Disabled: true, Command: "x"}}, conflict("Health.Disabled")},
		"start interval":         {run.Spec{Health: run.Health{Command: "x", StartInterval: 1}}, ignored("Health.StartInterval")},
		"docker's log driver":    {run.Spec{LogDriver: "syslog"}, refused("LogDriver")},
		"passthrough":            {run.Spec{LogDriver: "passthrough"}, refused("LogDriver")},
		"log size":               {run.Spec{LogOpts: []run.Pair{{Name: "max-size", Value: "much"}}}, bad("LogOpts")},
		"mounted twice":          {with(bind(), func(s *run.Spec) { s.Mounts = append(s.Mounts, run.Mount{Type: run.Tmpfs, Target: "/a/"}) }), conflict("Mounts[1]")},
		"the same twice":         {with(bind(), func(s *run.Spec) { s.Mounts = append(s.Mounts, s.Mounts[0]) }), nil},
		"overlay with more":      {bind("O", "ro"), conflict("Mounts[0].Options")},
		"overlay with upper":     {bind("O", "upperdir=/u", "workdir=/w"), nil},
		"recursive read-only":    {bind("bind-recursive=readonly"), refused("Mounts[0].Options")},
		"not recursive":          {bind("bind-recursive=disabled", "consistent"), nil},
		"bad boolean":            {bind("bind-nonrecursive=maybe"), bad("Mounts[0].Options")},
		"volume label":           {volume("volume-label=a=b"), ignored("Mounts[0].Options")},
		"volume driver":          {volume("volume-driver=nfs"), refused("Mounts[0].Options")},
		"local volume driver":    {volume("volume-driver=local", "volume-opt=type=tmpfs"), nil},
		"part of a volume":       {volume("volume-subpath=x"), refused("Mounts[0].Options")},
		"driver for volumes":     {with(volume(), func(s *run.Spec) { s.VolumeDriver = "nfs" }), refused("VolumeDriver")},
		"driver for none":        {run.Spec{VolumeDriver: "nfs"}, ignored("VolumeDriver")},
	}
}

// worldFindings are about what is around it.
func worldFindings() map[string]findingCase {
	return map[string]findingCase{
		"host and network":        {networks("host", "one"), conflict("Networks[1]")},
		"network and host":        {networks("one", "host"), conflict("Networks[1]")},
		"two networks":            {networks("one", "two"), nil},
		"container of nobody":     {networks("container:"), bad("Networks[0].Name")},
		"options of a mode":       {run.Spec{Networks: []run.Network{{Name: "host", Options: []run.Pair{{Name: "ip"}}}}}, bad("Networks[0].Options")},
		"driver option":           {run.Spec{Networks: []run.Network{{Name: "one", Options: []run.Pair{{Name: "driver-opt"}}}}}, refused("Networks[0].Options")},
		"address without network": {with(networks("host"), func(s *run.Spec) { s.IP = "10.0.0.1" }), conflict("IP")},
		"address of two":          {with(networks("one", "two"), func(s *run.Spec) { s.MAC = "92:d0:c6:0a:29:33" }), conflict("MAC")},
		"alias in two":            {with(networks("one", "two"), func(s *run.Spec) { s.NetworkAliases = []string{"x"} }), nil},
		"servers of nothing":      {with(networks("none"), func(s *run.Spec) { s.DNS = []string{"10.0.0.1"} }), conflict("DNS")},
		"no server":               {run.Spec{DNS: []string{"none"}}, nil},
		"a server's name":         {run.Spec{DNS: []string{"here"}}, bad("DNS[0]")},
		"a port of several": {run.Spec{Ports: []run.Port{{
			Host: run.PortRange{From: 1, To: 2}, Container: run.PortRange{From: 1, To: 1},
		}}}, refused("Ports[0].Host")},
		"namespace":          {run.Spec{PID: "strange"}, bad("PID")},
		"namespace of no":    {run.Spec{IPC: "container:"}, bad("IPC")},
		"no shared memory":   {run.Spec{IPC: "none"}, nil},
		"user namespace":     {run.Spec{UserNS: "auto:what=1"}, bad("UserNS")},
		"keep-id":            {run.Spec{UserNS: "keep-id:uid=5"}, nil},
		"security option":    {run.Spec{SecurityOpts: []run.Pair{{Name: "writable-cgroups"}}}, refused("SecurityOpts[0]")},
		"bad security value": {run.Spec{SecurityOpts: []run.Pair{{Name: "no-new-privileges", Value: "x"}}}, bad("SecurityOpts[0]")},
		"system paths":       {run.Spec{SecurityOpts: []run.Pair{{Name: "systempaths", Value: "x"}}}, bad("SecurityOpts[0]")},
		"setting of all":     {run.Spec{Sysctls: []run.Pair{{Name: "kernel.core_pattern", Value: "|/x"}}}, bad("Sysctls[0]")},
		"GPU by capability":  {run.Spec{GPUs: []string{"capabilities=utility"}}, refused("GPUs[0]")},
		"two GPUs":           {run.Spec{GPUs: []string{"2"}}, []finding{{run.NotSupported, run.Note, "GPUs[0]"}}},
		"device rule":        {run.Spec{DeviceCgroupRules: []string{"x 1:2 r"}}, bad("DeviceCgroupRules[0]")},
		"device number":      {run.Spec{DeviceCgroupRules: []string{"c a:2 r"}}, bad("DeviceCgroupRules[0]")},
		"processors twice":   {run.Spec{NanoCPUs: 1e9, CPUQuota: 5}, conflict("NanoCPUs")},
	}
}

func TestFindings(t *testing.T) {
	cases := lifeFindings()
	maps.Copy(cases, worldFindings())
	for name, c := range cases {
		_, findings := CreateRequest(c.spec)
		var got []finding
		for _, f := range findings {
			got = append(got, finding{f.Code, f.Level, f.Field})
			if f.Message == "" {
				t.Errorf("%s: a finding without words", name)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got findings %+v, want %v", name, findings, c.want)
		}
	}
}

func TestHealthTest(t *testing.T) {
	for command, want := range map[string][]string{
		"true":                 {"CMD-SHELL", "true"},
		"curl  -f x || exit 1": {"CMD-SHELL", "curl  -f x || exit 1"},
		`["curl", "-f"]`:       {"CMD", "curl", "-f"},
		`["one word"]`:         {"CMD-SHELL", "one word"},
		`["CMD", "a", "b c"]`:  {"CMD", "a", "b c"},
		`["CMDER", "a"]`:       {"CMD", "CMDER", "a"},
		"CMD a b":              {"CMD", "a", "b"},
		"cmd-shell a  b":       {"CMD-SHELL", "a  b"},
		"none":                 {"NONE"},
		`[not json`:            {"CMD-SHELL", "[not json"},
		`{"a": 1}`:             {"CMD-SHELL", `{"a": 1}`},
	} {
		if d := cmp.Diff(want, healthTest(command)); d != "" {
			t.Errorf("%s (-want +got):\n%s", command, d)
		}
	}
}
