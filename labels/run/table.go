package run

import (
	"slices"
	"sync"
	"time"
)

// flagTable holds every flag of run, in the order in which [Spec.Argv] writes
// them. The head of the order, from -t to --name, is the one in which atomic
// has always printed its default commands.
var flagTable = sync.OnceValue(func() []flag {
	return slices.Concat(
		[]flag{
			toggle("tty", 't', "TTY", func(s *Spec) *bool { return &s.TTY }),
			toggle("detach", 'd', "Detach", func(s *Spec) *bool { return &s.Detach }),
			toggle("interactive", 'i', "Stdin", func(s *Spec) *bool { return &s.Stdin }),
			toggle("rm", 0, "Remove", func(s *Spec) *bool { return &s.Remove }),
			toggle("privileged", 0, "Privileged", func(s *Spec) *bool { return &s.Privileged }),
		},
		mountFlags(),
		namespaceFlags(),
		[]flag{
			repeated("env", 'e', "Env", "NAME=VALUE or NAME", func(s *Spec) *[]EnvVar { return &s.Env },
				parseEnv, EnvVar.String).spaced("-e"),
			checked("name", 0, "Name", "a container name", func(s *Spec) *string { return &s.Name }, parseName).spaced("--name"),
		},
		processFlags(),
		lifeFlags(),
		networkFlags(),
		securityFlags(),
		resourceFlags(),
		blockFlags(),
		metaFlags(),
		windowsFlags(),
	)
})

func mountFlags() []flag {
	return []flag{
		{
			name: "volume", short: 'v', field: "Mounts", takes: "[SOURCE:]TARGET[:OPTIONS]",
			set:   func(s *Spec, v string, from Caller) error { return addMount(s, from, v, parseVolume) },
			words: mountWords,
		},
		{
			name: "mount", field: "Mounts", takes: "type=bind|volume|tmpfs,source=…,target=…",
			set: func(s *Spec, v string, from Caller) error { return addMount(s, from, v, parseMount) },
		},
		{
			name: "tmpfs", field: "Mounts", takes: "TARGET[:OPTIONS]",
			set: func(s *Spec, v string, from Caller) error { return addMount(s, from, v, parseTmpfs) },
		},
	}
}

func namespaceFlags() []flag {
	return []flag{
		repeated("network", 0, "Networks", "a mode or the name of a network", func(s *Spec) *[]Network { return &s.Networks },
			parseNetwork, Network.String).alias("net").written(networkWords),
		namespace("ipc", "IPC", "an IPC mode", func(s *Spec) *Namespace { return &s.IPC }, "host", "private", "shareable", "none", "container:", "ns:"),
		namespace("pid", "PID", "a PID mode", func(s *Spec) *Namespace { return &s.PID }, "host", "private", "container:", "ns:"),
		namespace("uts", "UTS", "a UTS mode", func(s *Spec) *Namespace { return &s.UTS }, "host", "private", "container:", "ns:"),
		namespace("userns", "UserNS", "a user namespace mode", func(s *Spec) *Namespace { return &s.UserNS },
			"host", "private", "auto", "auto:", "keep-id", "keep-id:", "nomap", "container:", "ns:"),
		namespace("cgroupns", "CgroupNS", "a cgroup namespace mode", func(s *Spec) *Namespace { return &s.CgroupNS }, "host", "private", "container:", "ns:"),
		text("cgroup-parent", 0, "CgroupParent", "a control group", func(s *Spec) *string { return &s.CgroupParent }),
	}
}

func processFlags() []flag {
	return []flag{
		{
			name: "entrypoint", field: "Entrypoint", takes: "a program, or a JSON list of words",
			set:   func(s *Spec, v string, _ Caller) (err error) { s.Entrypoint, err = parseEntrypoint(v); return err },
			words: entrypointWords,
		},
		text("user", 'u', "User", "USER[:GROUP]", func(s *Spec) *string { return &s.User }),
		texts("group-add", 0, "Groups", "a group", func(s *Spec) *[]string { return &s.Groups }, notEmpty),
		checked("workdir", 'w', "WorkDir", "an absolute path", func(s *Spec) *string { return &s.WorkDir }, absolute),
		texts("env-file", 0, "EnvFiles", "a file", func(s *Spec) *[]string { return &s.EnvFiles }, notEmpty),
		toggle("init", 0, "Init", func(s *Spec) *bool { return &s.Init }),
		texts("attach", 'a', "Attach", "stdin, stdout or stderr", func(s *Spec) *[]string { return &s.Attach },
			oneOf("stdin", "stdout", "stderr")),
		text("detach-keys", 0, "DetachKeys", "a key sequence such as ctrl-p,ctrl-q", func(s *Spec) *string { return &s.DetachKeys }),
		inverted("sig-proxy", "NoSigProxy", func(s *Spec) *bool { return &s.NoSigProxy }),
		toggle("quiet", 'q', "Quiet", func(s *Spec) *bool { return &s.Quiet }),
		checked("platform", 0, "Platform", "OS/ARCHITECTURE[/VARIANT]", func(s *Spec) *string { return &s.Platform }, notEmpty),
		checked("pull", 0, "Pull", "always, missing, never or newer", func(s *Spec) *string { return &s.Pull },
			oneOf("always", "missing", "never", "newer")),
	}
}

func lifeFlags() []flag {
	return []flag{
		value("restart", 0, "Restart", "no, always, unless-stopped or on-failure[:N]", func(s *Spec) *Restart { return &s.Restart },
			parseRestart, Restart.String),
		checked("stop-signal", 0, "StopSignal", "a signal", func(s *Spec) *string { return &s.StopSignal }, parseSignal),
		optional("stop-timeout", "StopTimeout", "seconds", func(s *Spec) **int { return &s.StopTimeout }, atoiFrom(-1), itoa),
		text("health-cmd", 0, "Health.Command", "a command", func(s *Spec) *string { return &s.Health.Command }),
		span("health-interval", "Health.Interval", func(s *Spec) *time.Duration { return &s.Health.Interval }),
		value("health-retries", 0, "Health.Retries", "a whole number", func(s *Spec) *int { return &s.Health.Retries }, atoiFrom(0), itoa),
		span("health-start-interval", "Health.StartInterval", func(s *Spec) *time.Duration { return &s.Health.StartInterval }),
		span("health-start-period", "Health.StartPeriod", func(s *Spec) *time.Duration { return &s.Health.StartPeriod }),
		span("health-timeout", "Health.Timeout", func(s *Spec) *time.Duration { return &s.Health.Timeout }),
		toggle("no-healthcheck", 0, "Health.Disabled", func(s *Spec) *bool { return &s.Health.Disabled }),
		text("cidfile", 0, "CIDFile", "a file", func(s *Spec) *string { return &s.CIDFile }),
		text("runtime", 0, "Runtime", "an OCI runtime", func(s *Spec) *string { return &s.Runtime }),
	}
}

func networkFlags() []flag {
	return []flag{
		repeated("publish", 'p', "Ports", "[[IP:]HOSTPORT:]PORT[/PROTOCOL]", func(s *Spec) *[]Port { return &s.Ports },
			parsePort, Port.String).spaced("-p"),
		toggle("publish-all", 'P', "PublishAll", func(s *Spec) *bool { return &s.PublishAll }),
		repeated("expose", 0, "Expose", "PORT[-PORT][/PROTOCOL]", func(s *Spec) *[]PortRange { return &s.Expose },
			parsePortRange, PortRange.String),
		checked("hostname", 'h', "Hostname", "a host name", func(s *Spec) *string { return &s.Hostname }, notEmpty),
		text("domainname", 0, "Domainname", "a domain", func(s *Spec) *string { return &s.Domainname }),
		repeated("add-host", 0, "Hosts", "NAME:ADDRESS", func(s *Spec) *[]Pair { return &s.Hosts }, parseHost,
			func(p Pair) string { return p.Name + ":" + p.Value }),
		texts("dns", 0, "DNS", "an address", func(s *Spec) *[]string { return &s.DNS }, parseDNS),
		texts("dns-option", 0, "DNSOptions", "a resolver option", func(s *Spec) *[]string { return &s.DNSOptions }, notEmpty).alias("dns-opt"),
		texts("dns-search", 0, "DNSSearch", "a domain", func(s *Spec) *[]string { return &s.DNSSearch }, notEmpty),
		texts("network-alias", 0, "NetworkAliases", "a name", func(s *Spec) *[]string { return &s.NetworkAliases }, notEmpty).alias("net-alias"),
		checked("ip", 0, "IP", "an IPv4 address", func(s *Spec) *string { return &s.IP }, address(4)),
		checked("ip6", 0, "IP6", "an IPv6 address", func(s *Spec) *string { return &s.IP6 }, address(6)),
		texts("link-local-ip", 0, "LinkLocalIPs", "an address", func(s *Spec) *[]string { return &s.LinkLocalIPs }, address(0)),
		checked("mac-address", 0, "MAC", "a MAC address", func(s *Spec) *string { return &s.MAC }, parseMAC),
		texts("link", 0, "Links", "CONTAINER[:ALIAS]", func(s *Spec) *[]string { return &s.Links }, notEmpty),
	}
}

func securityFlags() []flag {
	return []flag{
		{
			name: "cap-add", field: "CapAdd", takes: "a capability",
			set:   func(s *Spec, v string, _ Caller) error { return addCaps(&s.CapAdd, v) },
			words: func(s *Spec) []string { return each("--cap-add=", s.CapAdd) },
		},
		{
			name: "cap-drop", field: "CapDrop", takes: "a capability",
			set:   func(s *Spec, v string, _ Caller) error { return addCaps(&s.CapDrop, v) },
			words: func(s *Spec) []string { return each("--cap-drop=", s.CapDrop) },
		},
		pairs("security-opt", 0, "SecurityOpts", "NAME=VALUE", func(s *Spec) *[]Pair { return &s.SecurityOpts }, parseSecurity, Pair.String),
		pairs("sysctl", 0, "Sysctls", "NAME=VALUE", func(s *Spec) *[]Pair { return &s.Sysctls }, parseSetting, Pair.assignment),
		repeated("device", 0, "Devices", "DEVICE[:TARGET][:rwm]", func(s *Spec) *[]Device { return &s.Devices }, parseDevice, Device.String),
		texts("device-cgroup-rule", 0, "DeviceCgroupRules", "a rule such as c 42:* rmw", func(s *Spec) *[]string { return &s.DeviceCgroupRules }, parseCgroupRule),
		texts("gpus", 0, "GPUs", "all, a number or device=…", func(s *Spec) *[]string { return &s.GPUs }, notEmpty),
		toggle("read-only", 0, "ReadOnly", func(s *Spec) *bool { return &s.ReadOnly }),
		texts("volumes-from", 0, "VolumesFrom", "CONTAINER[:OPTIONS]", func(s *Spec) *[]string { return &s.VolumesFrom }, notEmpty),
		text("volume-driver", 0, "VolumeDriver", "a driver", func(s *Spec) *string { return &s.VolumeDriver }),
		pairs("storage-opt", 0, "StorageOpts", "NAME=VALUE", func(s *Spec) *[]Pair { return &s.StorageOpts }, parseSetting, Pair.assignment),
	}
}

func resourceFlags() []flag {
	return []flag{
		bytes("memory", 'm', "Memory", func(s *Spec) *int64 { return &s.Memory }),
		bytes("memory-reservation", 0, "MemoryReservation", func(s *Spec) *int64 { return &s.MemoryReservation }),
		value("memory-swap", 0, "MemorySwap", "a size, or -1", func(s *Spec) *int64 { return &s.MemorySwap }, sizeOrUnlimited, formatInt),
		optional("memory-swappiness", "MemorySwappiness", "0 to 100", func(s *Spec) **int64 { return &s.MemorySwappiness }, intBetween(-1, 100), formatInt),
		bytes("kernel-memory", 0, "KernelMemory", func(s *Spec) *int64 { return &s.KernelMemory }),
		bytes("shm-size", 0, "ShmSize", func(s *Spec) *int64 { return &s.ShmSize }),
		value("cpus", 0, "NanoCPUs", "a number such as 1.5", func(s *Spec) *int64 { return &s.NanoCPUs }, parseCPUs, formatCPUs),
		number("cpu-shares", 'c', "CPUShares", func(s *Spec) *int64 { return &s.CPUShares }),
		number("cpu-period", 0, "CPUPeriod", func(s *Spec) *int64 { return &s.CPUPeriod }),
		number("cpu-quota", 0, "CPUQuota", func(s *Spec) *int64 { return &s.CPUQuota }),
		number("cpu-rt-period", 0, "CPURTPeriod", func(s *Spec) *int64 { return &s.CPURTPeriod }),
		number("cpu-rt-runtime", 0, "CPURTRuntime", func(s *Spec) *int64 { return &s.CPURTRuntime }),
		checked("cpuset-cpus", 0, "CPUSetCPUs", "a list such as 0-3,7", func(s *Spec) *string { return &s.CPUSetCPUs }, parseCPUSet),
		checked("cpuset-mems", 0, "CPUSetMems", "a list such as 0,1", func(s *Spec) *string { return &s.CPUSetMems }, parseCPUSet),
		optional("pids-limit", "PidsLimit", "a whole number, or -1", func(s *Spec) **int64 { return &s.PidsLimit }, parseInt, formatInt),
		toggle("oom-kill-disable", 0, "OOMKillDisable", func(s *Spec) *bool { return &s.OOMKillDisable }),
		optional("oom-score-adj", "OOMScoreAdj", "-1000 to 1000", func(s *Spec) **int { return &s.OOMScoreAdj }, atoiBetween(-1000, 1000), itoa),
		ulimits(),
	}
}

func blockFlags() []flag {
	return []flag{
		value("blkio-weight", 0, "BlkioWeight", "10 to 1000, or 0", func(s *Spec) *uint16 { return &s.BlkioWeight }, parseWeight, formatWeight),
		repeated("blkio-weight-device", 0, "BlkioDevices", "DEVICE:WEIGHT", func(s *Spec) *[]DeviceWeight { return &s.BlkioDevices },
			parseDeviceWeight, func(d DeviceWeight) string { return d.Path + ":" + formatWeight(d.Weight) }),
		rates("device-read-bps", "ReadBps", "DEVICE:BYTES", func(s *Spec) *[]DeviceRate { return &s.ReadBps }, parseDeviceBytes),
		rates("device-write-bps", "WriteBps", "DEVICE:BYTES", func(s *Spec) *[]DeviceRate { return &s.WriteBps }, parseDeviceBytes),
		rates("device-read-iops", "ReadIOps", "DEVICE:NUMBER", func(s *Spec) *[]DeviceRate { return &s.ReadIOps }, parseDeviceOps),
		rates("device-write-iops", "WriteIOps", "DEVICE:NUMBER", func(s *Spec) *[]DeviceRate { return &s.WriteIOps }, parseDeviceOps),
	}
}

func metaFlags() []flag {
	return []flag{
		pairs("label", 'l', "Labels", "NAME[=VALUE]", func(s *Spec) *[]Pair { return &s.Labels }, parseLabel, Pair.String),
		texts("label-file", 0, "LabelFiles", "a file", func(s *Spec) *[]string { return &s.LabelFiles }, notEmpty),
		pairs("annotation", 0, "Annotations", "NAME=VALUE", func(s *Spec) *[]Pair { return &s.Annotations }, parseSetting, Pair.assignment),
		text("log-driver", 0, "LogDriver", "a driver", func(s *Spec) *string { return &s.LogDriver }),
		pairs("log-opt", 0, "LogOpts", "NAME=VALUE", func(s *Spec) *[]Pair { return &s.LogOpts }, parseSetting, Pair.assignment),
	}
}

func windowsFlags() []flag {
	const windows = "it is for Windows containers"
	return []flag{
		refuse("cpu-count", "a number", windows),
		refuse("cpu-percent", "a number", windows),
		refuse("io-maxbandwidth", "a size", windows),
		refuse("io-maxiops", "a number", windows),
		refuse("isolation", "a technology", windows),
		refuse("disable-content-trust", "", "the engines no longer know content trust; say what to trust in policy.json"),
		refuse("use-api-socket", "", "it hands the engine's socket and the caller's credentials over; mount the socket with -v where that is meant"),
	}
}
