package run

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// examples holds values of every flag of the table.
var examples = map[string][]string{
	"tty": {"true", "false"}, "detach": {"true"}, "interactive": {"1"}, "rm": {"true"}, "privileged": {"true", "false"},
	"volume":           {"/a:/b", "/a:/b:ro,z", "name:/c", "/anon", "./rel:/d", "/:/host:rslave", "/e:/e:U,idmap=uids=0-1-2"},
	"mount":            {"type=bind,src=/x,dst=/m1,ro,bind-propagation=rslave", "type=volume,dst=/m2,volume-nocopy", `type=tmpfs,dst=/m3,tmpfs-size=1m,tmpfs-mode=1777`, `"type=bind","source=/a,b:c","target=/m4"`, "type=volume,src=v,dst=/m5,volume-opt=type=nfs,volume-driver=local", "type=bind,src=.,dst=/m6,relabel=shared,bind-recursive=disabled"},
	"tmpfs":            {"/t1", "/t2:rw,size=64m,mode=1777"},
	"network":          {"host", "none", "bridge", "container:x", "name=n,alias=a,ip=10.0.0.2", "bridge:ip=10.88.0.10,mac=aa:bb:cc:dd:ee:ff", "ns:/run/x"},
	"ipc":              {"host", "shareable", "container:x", "none", "private"},
	"pid":              {"host", "container:x"},
	"uts":              {"host"},
	"userns":           {"host", "keep-id", "keep-id:uid=1000", "auto:size=1"},
	"cgroupns":         {"host", "private"},
	"cgroup-parent":    {"/a/b.slice"},
	"env":              {"A=b", "A=", "A", "B=x=y z\n"},
	"name":             {"web", "a"},
	"entrypoint":       {"/bin/x", "", `["a","b c"]`, `["["]`, "[]"},
	"user":             {"0", "a:b", "1000:1000"},
	"group-add":        {"wheel"},
	"workdir":          {"/srv"},
	"env-file":         {"/etc/sysconfig/x"},
	"init":             {"true"},
	"attach":           {"stdin", "stdout", "stderr"},
	"detach-keys":      {"ctrl-x"},
	"sig-proxy":        {"false", "true"},
	"quiet":            {"true"},
	"platform":         {"linux/arm64/v8"},
	"pull":             {"always", "never"},
	"restart":          {"no", "always", "unless-stopped", "on-failure", "on-failure:3"},
	"stop-signal":      {"SIGINT", "9", "RTMIN+3"},
	"stop-timeout":     {"0", "10", "-1"},
	"health-cmd":       {"curl -f http://localhost || exit 1"},
	"health-interval":  {"1m30s"},
	"health-retries":   {"3"},
	"no-healthcheck":   {"true"},
	"health-timeout":   {"10s"},
	"cidfile":          {"/run/x.cid"},
	"runtime":          {"crun"},
	"publish":          {"80", "8080:80", "127.0.0.1:80:80", "127.0.0.1::80/udp", "[::1]:80:80", "7000-7002:8000-8002", "7000-7002:80", "53:53/UDP", "7-8"},
	"publish-all":      {"true"},
	"expose":           {"80", "80-90/udp"},
	"hostname":         {"h.example"},
	"domainname":       {"example"},
	"add-host":         {"a:10.0.0.1", "b=[::1]", "c:host-gateway", "d:::1"},
	"dns":              {"1.1.1.1", "none", "::1"},
	"dns-option":       {"ndots:2"},
	"dns-search":       {"example", "."},
	"network-alias":    {"x"},
	"ip":               {"10.0.0.3"},
	"ip6":              {"fd00::1"},
	"link-local-ip":    {"169.254.1.1"},
	"mac-address":      {"aa:bb:cc:dd:ee:ff"},
	"link":             {"db:alias"},
	"cap-add":          {"SYS_ADMIN", "cap_net_admin,CAP_SYS_PTRACE", "all"},
	"cap-drop":         {"ALL", "mknod"},
	"security-opt":     {"label=disable", "label:disable", "label=type:svirt_t", "seccomp=unconfined", "no-new-privileges", "no-new-privileges:true", "apparmor=unconfined", "unmask=ALL"},
	"sysctl":           {"net.ipv4.ip_forward=1", "a.b="},
	"device":           {"/dev/sda", "/dev/sda:/dev/xvda", "/dev/sda:r", "/dev/sda:/dev/x:rwm", "vendor.example/class=all"},
	"gpus":             {"all", `"device=0,1"`},
	"read-only":        {"true"},
	"volumes-from":     {"other:ro"},
	"volume-driver":    {"local"},
	"storage-opt":      {"size=10G"},
	"memory":           {"64m", "1g", "1024"},
	"memory-swap":      {"-1", "2g"},
	"kernel-memory":    {"10m"},
	"shm-size":         {"64m"},
	"cpus":             {"1.5", "0.1", "2"},
	"cpu-shares":       {"512"},
	"cpu-period":       {"100000"},
	"cpu-quota":        {"-1"},
	"cpu-rt-period":    {"1000"},
	"cpu-rt-runtime":   {"500"},
	"cpuset-cpus":      {"0-3,7"},
	"cpuset-mems":      {"0"},
	"pids-limit":       {"-1", "100", "0"},
	"oom-kill-disable": {"true"},
	"oom-score-adj":    {"-500", "0"},
	"ulimit":           {"nofile=1024:2048", "core=-1", "nproc=5"},
	"blkio-weight":     {"500"},
	"label":            {"a=b", "c", "d=e=f"},
	"label-file":       {"labels"},
	"annotation":       {"a=b"},
	"log-driver":       {"journald"},
	"log-opt":          {"tag=x", "max-size="},

	"device-cgroup-rule":    {"c 42:* rmw"},
	"memory-reservation":    {"32m"},
	"memory-swappiness":     {"0", "60"},
	"health-start-interval": {"1s"},
	"health-start-period":   {"5s"},
	"blkio-weight-device":   {"/dev/sda:200"},
	"device-read-bps":       {"/dev/sda:1mb"},
	"device-write-bps":      {"/dev/sda:1024"},
	"device-read-iops":      {"/dev/sda:100"},
	"device-write-iops":     {"/dev/sda:100"},
}

func words(texts ...string) []Word {
	var out []Word
	for i, text := range texts {
		out = append(out, Word{Text: text, At: Origin{Offset: i, Length: 1}})
	}
	return out
}

func parse(texts ...string) (Spec, []Finding) { return Parse(words(texts...), Caller{Dir: "/srv"}) }

// Each flag alone, in each of its spellings, is read and read back the same.
func TestEveryFlag(t *testing.T) {
	for _, f := range Flags() {
		if f.Refused != "" {
			continue
		}
		if examples[f.Name] == nil {
			t.Errorf("no example of --%s", f.Name)
		}
		if f.Takes == "" && examples[f.Name] == nil {
			continue
		}
		for _, v := range examples[f.Name] {
			checkSpellings(t, f, v)
		}
	}
}

func checkSpellings(t *testing.T, f FlagInfo, v string) {
	spec, findings := parse("--"+f.Name+"="+v, "image", "arg")
	if slices.ContainsFunc(findings, func(f Finding) bool { return f.Level == Error }) {
		t.Errorf("--%s=%s: %v", f.Name, v, findings)
		return
	}
	if reflect.DeepEqual(spec, Spec{Image: "image", Args: []string{"arg"}}) && v != "false" && v != "true" {
		t.Errorf("--%s=%s leaves no trace", f.Name, v)
	}
	same := func(texts ...string) {
		if again, findings := parse(texts...); !reflect.DeepEqual(again, spec) {
			t.Errorf("%q gives %v\n%s", texts, findings, cmp.Diff(spec, again))
		}
	}
	same(spec.Argv()...)
	for _, name := range f.Also {
		same("--"+name+"="+v, "image", "arg")
	}
	if f.Takes != "" {
		same("--"+f.Name, v, "image", "arg")
	}
	if f.Short == "" {
		return
	}
	same(f.Short+"="+v, "image", "arg")
	if f.Takes != "" {
		same(f.Short, v, "image", "arg")
		same(f.Short+v, "image", "arg")
	}
}

// Any combination of flags is read back from its canonical words.
func TestArgvReadsBack(t *testing.T) {
	infos := slices.DeleteFunc(Flags(), func(f FlagInfo) bool { return f.Refused != "" })
	rapid.Check(t, func(t *rapid.T) {
		var texts []string
		for range rapid.IntRange(0, 12).Draw(t, "flags") {
			f := infos[rapid.IntRange(0, len(infos)-1).Draw(t, "flag")]
			texts = append(texts, "--"+f.Name+"="+rapid.SampledFrom(examples[f.Name]).Draw(t, "value"))
		}
		texts = append(texts, "image:1")
		texts = append(texts, rapid.SliceOf(rapid.String()).Draw(t, "args")...)
		spec, findings := parse(texts...)
		for _, f := range findings {
			if f.Level == Error && f.Code != Conflict {
				t.Fatalf("%q: %v", texts, f)
			}
		}
		again, _ := parse(spec.Argv()...)
		if diff := cmp.Diff(spec, again); diff != "" {
			t.Fatalf("%q reads back differently:\n%s", spec.Argv(), diff)
		}
	})
}

func TestGroupedShortFlags(t *testing.T) {
	spec, findings := parse("-itdp", "80:80", "-e=A=b", "-v/a:/b", "-h", "x", "--", "image")
	want := Spec{
		TTY: true, Stdin: true, Detach: true, Image: "image", Hostname: "x",
		Ports:  []Port{{Host: PortRange{From: 80, To: 80}, Container: PortRange{From: 80, To: 80, Protocol: "tcp"}}},
		Env:    []EnvVar{{Name: "A", Value: "b"}},
		Mounts: []Mount{{Type: Bind, Source: "/a", Target: "/b"}},
	}
	if diff := cmp.Diff(want, spec); diff != "" || findings != nil {
		t.Errorf("%v\n%s", findings, diff)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		text string
		code Code
		says string
	}{
		{"--priveleged image", UnknownFlag, "did you mean --privileged?"},
		{"--nett=host image", UnknownFlag, "--net"},
		{"-privileged image", BadValue, "did you mean --privileged?"},
		{"-name x image", UnknownFlag, "did you mean --name?"},
		{"--quux image", UnknownFlag, ""},
		{"-k image", UnknownFlag, ""},
		{"--isolation=x image", NotSupported, "Windows"},
		{"-v", BadValue, "needs a value"},
		{"-v /a:/b", NoImage, "IMAGE"},
		{"", NoImage, ""},
		{"--rm --restart=always image", Conflict, "--rm"},
		{"-d -a stdout image", Conflict, ""},
		{"--no-healthcheck --health-cmd x image", Conflict, ""},
		{"--uts=host -h x image", Conflict, ""},
		{"-m 2g --memory-swap 1g image", Conflict, ""},
		{"--cpus 1 --cpu-quota 5 image", Conflict, ""},
		{"--net=host --net=x image", Conflict, ""},
		{"--net=container:x -h y image", Conflict, ""},
		{"-v /a:/x -v /b:/x/ image", Conflict, "/x"},
		{"IMAGE", BadValue, "not an image"},
		{"a//b", BadValue, "not an image"},
		{"--rm=maybe image", BadValue, "maybe"},
		{"-v :/x image", BadValue, "no source"},
		{"-v a/b:/x image", BadValue, "neither"},
		{"-v /a:b image", BadValue, "not an absolute path"},
		{"-v /a:/ image", BadValue, "root of the container"},
		{"-v /a:/b:ro:c image", BadValue, "more than three"},
		{"-v /a:/b:rp image", BadValue, "option"},
		{"-v /a:/b:ro,rw image", BadValue, "contradict"},
		{"-v ~/a:/b image", BadValue, "neither"},
		{"--mount type=bind,dst=/x image", BadValue, "source"},
		{"--mount type=bind,src=a,dst=/x image", BadValue, "absolute"},
		{"--mount type=weird,dst=/x image", BadValue, "weird"},
		{"--mount src=/a,dst=/x image", BadValue, "type=bind"},
		{"--mount type=tmpfs,src=/a,dst=/x image", BadValue, "no source"},
		{"--mount type=tmpfs,dst=/x,volume-nocopy image", BadValue, "not a key"},
		{"--mount type=bind,src=/a,dst=/x,bind-propagation=up image", BadValue, "up"},
		{"--mount type=bind,src=/a image", BadValue, "target"},
		{"--tmpfs x image", BadValue, "absolute"},
		{"-p 0:80 image", BadValue, "port"},
		{"-p 80:99999 image", BadValue, "port"},
		{"-p 1-3:5-6 image", BadValue, "3 ports"},
		{"-p 9-8 image", BadValue, "range"},
		{"-p 80/xyz image", BadValue, "protocol"},
		{"-p host:80:80 image", BadValue, "address"},
		{"-p x:80 image", BadValue, "port"},
		{"--cap-add SYS_ADMN image", BadValue, "did you mean SYS_ADMIN?"},
		{"--device sda image", BadValue, "absolute"},
		{"--device /dev/sda:/x:y image", BadValue, "permissions"},
		{"--pid=elsewhere image", BadValue, "host, private"},
		{"--pid=container: image", BadValue, "container:…"},
		{"--restart=sometimes image", BadValue, "on-failure"},
		{"--restart=always:3 image", BadValue, "only on-failure"},
		{"--security-opt=nonsense image", BadValue, "security option"},
		{"--security-opt=label image", BadValue, "needs a value"},
		{"-e =x image", BadValue, "variable name"},
		{"-l =x image", BadValue, "label name"},
		{"-m lots image", BadValue, "size"},
		{"--cpus 1/2 image", BadValue, "processors"},
		{"--cpus 0.0000000001 image", BadValue, "digits"},
		{"--name -x image", BadValue, "container name"},
		{"--stop-signal NOPE image", BadValue, "signal"},
		{"--stop-timeout -2 image", BadValue, "between"},
		{"--health-interval -1s image", BadValue, "negative"},
		{"--health-interval fast image", BadValue, "duration"},
		{"--add-host x image", BadValue, "NAME:ADDRESS"},
		{"--add-host x:y image", BadValue, "address"},
		{"--dns x image", BadValue, "address"},
		{"--ip ::1 image", BadValue, "IPv4"},
		{"--mac-address x image", BadValue, "MAC"},
		{"--net= image", BadValue, "value"},
		{"--net=alias=x,name= image", BadValue, "network"},
		{"--entrypoint [x image", BadValue, "JSON"},
		{"--workdir x image", BadValue, "absolute"},
		{"--attach x image", BadValue, "stdin"},
		{"--sysctl x image", BadValue, "NAME=VALUE"},
		{"--ulimit x image", BadValue, ""},
		{"--blkio-weight 5 image", BadValue, "10"},
		{"--blkio-weight-device x image", BadValue, "DEVICE:NUMBER"},
		{"--device-read-bps /dev/sda:x image", BadValue, "size"},
		{"--device-read-iops /dev/sda:1m image", BadValue, "whole number"},
		{"--device-cgroup-rule x image", BadValue, "rule"},
		{"--cpuset-cpus a image", BadValue, "list"},
		{"--oom-score-adj 5000 image", BadValue, "between"},
	} {
		_, findings := parse(strings.Fields(c.text)...)
		i := slices.IndexFunc(findings, func(f Finding) bool { return f.Level == Error })
		if i < 0 {
			t.Errorf("%s: not refused: %v", c.text, findings)
			continue
		}
		if f := findings[i]; f.Code != c.code || !strings.Contains(f.Message+f.Hint, c.says) {
			t.Errorf("%s: %+v, want %s with %q", c.text, f, c.code, c.says)
		}
	}
}

func TestFindingsPointAtTheWord(t *testing.T) {
	for _, c := range []struct {
		texts []string
		at    int
	}{
		{[]string{"--rm", "-m", "x", "image"}, 2},
		{[]string{"--rm", "-m=x", "image"}, 1},
		{[]string{"--restart=always", "--rm", "--init", "image"}, 0},
		{[]string{"--rm", "a//b"}, 1},
	} {
		if _, findings := parse(c.texts...); len(findings) != 1 || findings[0].Offset != c.at {
			t.Errorf("%q: %+v, want one at %d", c.texts, findings, c.at)
		}
	}
}

func TestRemarks(t *testing.T) {
	for _, c := range []struct {
		text  string
		code  Code
		level Level
	}{
		{"-e HOME image", EnvFromCaller, Note},
		{"image --privileged", OptionAfterImage, Warning},
		{"image -v /a:/b", OptionAfterImage, Warning},
		{"image --frobnicate", OptionAfterImage, Note},
		{"--net=host -p 80:80 image", IgnoredFlag, Warning},
		{"image sh --privileged", OptionAfterImage, Note},
	} {
		_, findings := parse(strings.Fields(c.text)...)
		if len(findings) != 1 || findings[0].Code != c.code || findings[0].Level != c.level {
			t.Errorf("%s: %+v, want one %s %s", c.text, findings, c.level, c.code)
		}
	}
	user := append(words("image"), Word{Text: "--privileged", At: Origin{Source: UserWord}})
	if _, findings := Parse(user, Caller{}); findings != nil {
		t.Errorf("words of the user are remarked on: %v", findings)
	}
}

func TestRelativeSourceNeedsADirectory(t *testing.T) {
	for _, dir := range []string{"", "/a:b"} {
		if _, findings := Parse(words("-v", "./x:/y", "image"), Caller{Dir: dir}); len(findings) != 1 || findings[0].Code != BadValue {
			t.Errorf("in %q: %v", dir, findings)
		}
	}
}

func FuzzParse(f *testing.F) {
	for name, values := range examples {
		for _, v := range values {
			f.Add("--"+name+"="+v, "--rm", "image")
		}
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		spec, findings := parse(a, b, c)
		if slices.ContainsFunc(findings, func(f Finding) bool { return f.Level == Error }) {
			return
		}
		again, _ := parse(spec.Argv()...)
		if diff := cmp.Diff(spec, again); diff != "" {
			t.Fatalf("%q reads back differently:\n%s", spec.Argv(), diff)
		}
	})
}
