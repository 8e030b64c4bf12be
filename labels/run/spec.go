// Package run is the typed form of "docker run" and "podman run": what a
// command line asks for, whoever carries it out.
//
// [Parse] reads words into a [Spec], [Spec.Argv] writes a Spec back as
// canonical words, and both are driven by one flag table, so that
// Parse(spec.Argv()) gives spec again. [Validate] and [Risks] judge a Spec.
// Nothing here knows an engine, a label or a terminal.
package run

import "time"

// A Spec is everything one run command can ask for. The zero value of a field
// means "as the image or the engine has it".
type Spec struct {
	Name       string   `json:"name,omitempty"`
	Image      string   `json:"image,omitempty"`
	Args       []string `json:"args,omitempty"`
	Entrypoint []string `json:"entrypoint,omitempty"` // [""] clears the image's
	Platform   string   `json:"platform,omitempty"`
	Pull       string   `json:"pull,omitempty"` // always, missing, never, newer

	Detach     bool     `json:"detach,omitempty"`
	TTY        bool     `json:"tty,omitempty"`
	Stdin      bool     `json:"stdin,omitempty"`
	Attach     []string `json:"attach,omitempty"` // stdin, stdout, stderr
	DetachKeys string   `json:"detachKeys,omitempty"`
	NoSigProxy bool     `json:"noSigProxy,omitempty"` // --sig-proxy=false
	Quiet      bool     `json:"quiet,omitempty"`

	User     string   `json:"user,omitempty"` // user[:group], names or numbers
	Groups   []string `json:"groups,omitempty"`
	WorkDir  string   `json:"workDir,omitempty"`
	Env      []EnvVar `json:"env,omitempty"`
	EnvFiles []string `json:"envFiles,omitempty"`
	Init     bool     `json:"init,omitempty"`

	Remove      bool    `json:"remove,omitempty"`
	Restart     Restart `json:"restart,omitzero"`
	StopSignal  string  `json:"stopSignal,omitempty"`
	StopTimeout *int    `json:"stopTimeout,omitempty"` // seconds; -1 waits for ever
	Health      Health  `json:"health,omitzero"`
	CIDFile     string  `json:"cidFile,omitempty"`
	Runtime     string  `json:"runtime,omitempty"`

	Mounts       []Mount  `json:"mounts,omitempty"`
	VolumesFrom  []string `json:"volumesFrom,omitempty"`
	VolumeDriver string   `json:"volumeDriver,omitempty"`
	ReadOnly     bool     `json:"readOnly,omitempty"`
	StorageOpts  []Pair   `json:"storageOpts,omitempty"`

	Devices           []Device       `json:"devices,omitempty"`
	DeviceCgroupRules []string       `json:"deviceCgroupRules,omitempty"`
	GPUs              []string       `json:"gpus,omitempty"` // requests as typed: all, 2, device=0, …
	BlkioWeight       uint16         `json:"blkioWeight,omitempty"`
	BlkioDevices      []DeviceWeight `json:"blkioDevices,omitempty"`
	ReadBps           []DeviceRate   `json:"readBps,omitempty"`
	WriteBps          []DeviceRate   `json:"writeBps,omitempty"`
	ReadIOps          []DeviceRate   `json:"readIOps,omitempty"`
	WriteIOps         []DeviceRate   `json:"writeIOps,omitempty"`

	Networks       []Network   `json:"networks,omitempty"`
	NetworkAliases []string    `json:"networkAliases,omitempty"`
	IP             string      `json:"ip,omitempty"`
	IP6            string      `json:"ip6,omitempty"`
	LinkLocalIPs   []string    `json:"linkLocalIPs,omitempty"`
	MAC            string      `json:"mac,omitempty"`
	Links          []string    `json:"links,omitempty"`
	Ports          []Port      `json:"ports,omitempty"`
	PublishAll     bool        `json:"publishAll,omitempty"`
	Expose         []PortRange `json:"expose,omitempty"`
	Hostname       string      `json:"hostname,omitempty"`
	Domainname     string      `json:"domainname,omitempty"`
	Hosts          []Pair      `json:"hosts,omitempty"` // name → address or host-gateway
	DNS            []string    `json:"dns,omitempty"`
	DNSOptions     []string    `json:"dnsOptions,omitempty"`
	DNSSearch      []string    `json:"dnsSearch,omitempty"`

	PID          Namespace `json:"pid,omitempty"`
	IPC          Namespace `json:"ipc,omitempty"`
	UTS          Namespace `json:"uts,omitempty"`
	UserNS       Namespace `json:"userns,omitempty"`
	CgroupNS     Namespace `json:"cgroupns,omitempty"`
	CgroupParent string    `json:"cgroupParent,omitempty"`

	Privileged   bool     `json:"privileged,omitempty"`
	CapAdd       []string `json:"capAdd,omitempty"` // upper case, without CAP_
	CapDrop      []string `json:"capDrop,omitempty"`
	SecurityOpts []Pair   `json:"securityOpts,omitempty"` // label=disable, seccomp=unconfined, no-new-privileges
	Sysctls      []Pair   `json:"sysctls,omitempty"`

	Memory            int64    `json:"memory,omitempty"` // bytes
	MemoryReservation int64    `json:"memoryReservation,omitempty"`
	MemorySwap        int64    `json:"memorySwap,omitempty"` // bytes with memory; -1 is no limit
	MemorySwappiness  *int64   `json:"memorySwappiness,omitempty"`
	KernelMemory      int64    `json:"kernelMemory,omitempty"`
	ShmSize           int64    `json:"shmSize,omitempty"`
	NanoCPUs          int64    `json:"nanoCPUs,omitempty"` // --cpus, in 1e-9 processors
	CPUShares         int64    `json:"cpuShares,omitempty"`
	CPUPeriod         int64    `json:"cpuPeriod,omitempty"` // microseconds
	CPUQuota          int64    `json:"cpuQuota,omitempty"`
	CPURTPeriod       int64    `json:"cpuRTPeriod,omitempty"`
	CPURTRuntime      int64    `json:"cpuRTRuntime,omitempty"`
	CPUSetCPUs        string   `json:"cpusetCPUs,omitempty"`
	CPUSetMems        string   `json:"cpusetMems,omitempty"`
	PidsLimit         *int64   `json:"pidsLimit,omitempty"` // -1 is no limit
	OOMKillDisable    bool     `json:"oomKillDisable,omitempty"`
	OOMScoreAdj       *int     `json:"oomScoreAdj,omitempty"`
	Ulimits           []Ulimit `json:"ulimits,omitempty"`

	Labels      []Pair   `json:"labels,omitempty"`
	LabelFiles  []string `json:"labelFiles,omitempty"`
	Annotations []Pair   `json:"annotations,omitempty"`
	LogDriver   string   `json:"logDriver,omitempty"`
	LogOpts     []Pair   `json:"logOpts,omitempty"`
}

// A Pair is NAME=VALUE where order and repeats count.
type Pair struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
}

// An EnvVar is one variable of the container's environment.
type EnvVar struct {
	Name       string `json:"name"`
	Value      string `json:"value,omitempty"`
	FromCaller bool   `json:"fromCaller,omitempty"` // -e NAME: the value is the caller's
}

// MountType tells what is mounted.
type MountType string

// The kinds of mount.
const (
	Bind   MountType = "bind"   // a path of the host
	Volume MountType = "volume" // a named volume of the engine, or without Source an anonymous one
	Tmpfs  MountType = "tmpfs"
)

// A Mount puts something at Target in the container.
type Mount struct {
	Type   MountType `json:"type"`
	Source string    `json:"source,omitempty"`
	Target string    `json:"target"`
	// Options are those of -v in the order typed (ro, z, Z, rslave, nocopy, …);
	// for tmpfs those of mount(8) (size=64m, mode=1777, noexec, …); for a
	// volume also volume-driver=, volume-opt=, volume-label=, volume-subpath=.
	Options []string `json:"options,omitempty"`
	// MustExist is --mount type=bind: a missing source is an error. -v makes
	// a directory there instead.
	MustExist bool `json:"mustExist,omitempty"`
}

// A PortRange is From to To, both included; a single port has From == To.
type PortRange struct {
	From     uint16 `json:"from,omitempty"`
	To       uint16 `json:"to,omitempty"`
	Protocol string `json:"protocol,omitempty"` // tcp, udp, sctp; set on the container's side only
}

// A Port publishes ports of the container on the host.
type Port struct {
	HostIP    string    `json:"hostIP,omitempty"`
	Host      PortRange `json:"host,omitzero"` // zero: the engine picks
	Container PortRange `json:"container"`
}

// A Device is a device node of the host, or a CDI name as Source.
type Device struct {
	Source      string `json:"source"`
	Target      string `json:"target,omitempty"`
	Permissions string `json:"permissions,omitempty"` // of rwm
}

// A DeviceWeight is a relative share of a block device.
type DeviceWeight struct {
	Path   string `json:"path"`
	Weight uint16 `json:"weight"`
}

// A DeviceRate limits a block device, in bytes or operations a second.
type DeviceRate struct {
	Path string `json:"path"`
	Rate uint64 `json:"rate"`
}

// A Network is a mode (host, none, bridge, container:X, …) or a network's name.
type Network struct {
	Name    string `json:"name"`
	Options []Pair `json:"options,omitempty"` // alias, ip, ip6, mac-address, driver-opt, …
}

// A Namespace is "", host, private, shareable, none, or container:NAME and the
// like, as the flag takes it.
type Namespace string

// Host is the namespace of the host itself.
const Host Namespace = "host"

// Restart says when the engine starts the container again.
type Restart struct {
	Policy  string `json:"policy,omitempty"` // no, always, unless-stopped, on-failure
	Retries int    `json:"retries,omitempty"`
}

// Health is how the engine checks the container.
type Health struct {
	Disabled      bool          `json:"disabled,omitempty"`
	Command       string        `json:"command,omitempty"` // run by the container's shell
	Interval      time.Duration `json:"interval,omitempty"`
	Timeout       time.Duration `json:"timeout,omitempty"`
	StartPeriod   time.Duration `json:"startPeriod,omitempty"`
	StartInterval time.Duration `json:"startInterval,omitempty"`
	Retries       int           `json:"retries,omitempty"`
}

// A Ulimit is one resource limit; -1 is unlimited.
type Ulimit struct {
	Name string `json:"name"`
	Soft int64  `json:"soft"`
	Hard int64  `json:"hard"`
}
