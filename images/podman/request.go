package podman

// A Request is what POST /libpod/containers/create takes: the parts of
// Podman's SpecGenerator that a run command can ask for.
type Request struct {
	Name         string            `json:"name,omitempty"`
	Image        string            `json:"image"`
	RawImageName string            `json:"raw_image_name,omitempty"`
	ImageOS      string            `json:"image_os,omitempty"`
	ImageArch    string            `json:"image_arch,omitempty"`
	ImageVariant string            `json:"image_variant,omitempty"`
	Entrypoint   []string          `json:"entrypoint,omitempty"`
	Command      []string          `json:"command,omitempty"`
	Env          map[string]string `json:"env,omitempty"`
	HTTPProxy    bool              `json:"httpproxy,omitempty"`
	Terminal     bool              `json:"terminal,omitempty"`
	Stdin        bool              `json:"stdin,omitempty"`
	User         string            `json:"user,omitempty"`
	Groups       []string          `json:"groups,omitempty"`
	WorkDir      string            `json:"work_dir,omitempty"`
	Init         bool              `json:"init,omitempty"`
	Systemd      string            `json:"systemd,omitempty"`
	SdNotifyMode string            `json:"sdnotifyMode,omitempty"`
	OCIRuntime   string            `json:"oci_runtime,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"`
	Annotations  map[string]string `json:"annotations,omitempty"`
	Log          *LogConfig        `json:"log_configuration,omitempty"`

	Remove         bool    `json:"remove,omitempty"`
	Volatile       bool    `json:"volatile,omitempty"`
	RestartPolicy  string  `json:"restart_policy,omitempty"`
	RestartRetries *uint   `json:"restart_tries,omitempty"`
	StopSignal     int     `json:"stop_signal,omitempty"`
	StopTimeout    *uint   `json:"stop_timeout,omitempty"` // seconds
	Health         *Health `json:"healthconfig,omitempty"`

	Mounts          []Mount           `json:"mounts,omitempty"`
	Volumes         []NamedVolume     `json:"volumes,omitempty"`
	OverlayVolumes  []OverlayVolume   `json:"overlay_volumes,omitempty"`
	VolumesFrom     []string          `json:"volumes_from,omitempty"`
	ImageVolumeMode string            `json:"image_volume_mode,omitempty"`
	StorageOpts     map[string]string `json:"storage_opts,omitempty"`
	ReadOnly        bool              `json:"read_only_filesystem,omitempty"`
	ReadWriteTmpfs  bool              `json:"read_write_tmpfs,omitempty"`
	ShmSize         *int64            `json:"shm_size,omitempty"`

	Devices     []Device       `json:"devices,omitempty"`
	DeviceRules []DeviceCgroup `json:"device_cgroup_rule,omitempty"`

	PidNS        Namespace   `json:"pidns,omitzero"`
	IpcNS        Namespace   `json:"ipcns,omitzero"`
	UtsNS        Namespace   `json:"utsns,omitzero"`
	UserNS       Namespace   `json:"userns,omitzero"`
	CgroupNS     Namespace   `json:"cgroupns,omitzero"`
	NetNS        Namespace   `json:"netns,omitzero"`
	IDMappings   *IDMappings `json:"idmappings,omitempty"`
	CgroupParent string      `json:"cgroup_parent,omitempty"`

	Hostname        string                    `json:"hostname,omitempty"`
	Networks        map[string]NetworkOptions `json:",omitempty"`
	NetworkOptions  map[string][]string       `json:"network_options,omitempty"`
	PortMappings    []PortMapping             `json:"portmappings,omitempty"`
	PublishAll      bool                      `json:"publish_image_ports,omitempty"`
	Expose          map[uint16]string         `json:"expose,omitempty"`
	HostAdd         []string                  `json:"hostadd,omitempty"`
	DNSServers      []string                  `json:"dns_server,omitempty"`
	DNSSearch       []string                  `json:"dns_search,omitempty"`
	DNSOptions      []string                  `json:"dns_option,omitempty"`
	ImageResolvConf bool                      `json:"use_image_resolve_conf,omitempty"`

	Privileged      bool              `json:"privileged,omitempty"`
	CapAdd          []string          `json:"cap_add,omitempty"`
	CapDrop         []string          `json:"cap_drop,omitempty"`
	SelinuxOpts     []string          `json:"selinux_opts,omitempty"`
	LabelNested     bool              `json:"label_nested,omitempty"`
	Apparmor        string            `json:"apparmor_profile,omitempty"`
	SeccompPolicy   string            `json:"seccomp_policy,omitempty"`
	SeccompProfile  string            `json:"seccomp_profile_path,omitempty"`
	NoNewPrivileges bool              `json:"no_new_privileges,omitempty"`
	Mask            []string          `json:"mask,omitempty"`
	Unmask          []string          `json:"unmask,omitempty"`
	ProcOpts        []string          `json:"procfs_opts,omitempty"`
	Sysctl          map[string]string `json:"sysctl,omitempty"`

	Limits      *Limits                 `json:"resource_limits,omitempty"`
	Rlimits     []Rlimit                `json:"r_limits,omitempty"`
	OOMScoreAdj *int                    `json:"oom_score_adj,omitempty"`
	Weights     map[string]WeightDevice `json:"weightDevice,omitempty"`
	ReadBps     map[string]Throttle     `json:"throttleReadBpsDevice,omitempty"`
	WriteBps    map[string]Throttle     `json:"throttleWriteBpsDevice,omitempty"`
	ReadIOps    map[string]Throttle     `json:"throttleReadIOPSDevice,omitempty"`
	WriteIOps   map[string]Throttle     `json:"throttleWriteIOPSDevice,omitempty"`
}

// LogConfig is how the output of the container is kept.
type LogConfig struct {
	Driver  string            `json:"driver,omitempty"`
	Path    string            `json:"path,omitempty"`
	Size    int64             `json:"size,omitempty"` // bytes
	Options map[string]string `json:"options,omitempty"`
}

// Health is a health check; its times are nanoseconds.
type Health struct {
	Test        []string `json:",omitempty"`
	Interval    int64    `json:",omitempty"`
	Timeout     int64    `json:",omitempty"`
	StartPeriod int64    `json:",omitempty"`
	Retries     int      `json:",omitempty"`
}

// Mount is a bind mount or a tmpfs.
type Mount struct {
	Destination string   `json:"destination"`
	Type        string   `json:"type"`
	Source      string   `json:"source"`
	Options     []string `json:"options,omitempty"`
}

// NamedVolume is a volume of Podman; an empty name makes an anonymous one.
type NamedVolume struct {
	Name    string
	Dest    string
	Options []string `json:",omitempty"`
}

// OverlayVolume is a path of the host whose changes are thrown away.
type OverlayVolume struct {
	Destination string   `json:"destination"`
	Source      string   `json:"source"`
	Options     []string `json:"options,omitempty"`
}

// Device is SOURCE[:TARGET[:PERMISSIONS]], or the name of a CDI device.
type Device struct {
	Path string `json:"path"`
}

// DeviceCgroup allows what it says of devices; a nil number is any.
type DeviceCgroup struct {
	Allow  bool   `json:"allow"`
	Type   string `json:"type,omitempty"`
	Major  *int64 `json:"major,omitempty"`
	Minor  *int64 `json:"minor,omitempty"`
	Access string `json:"access,omitempty"`
}

// Namespace is a kind (host, private, container, path, …) and of which.
type Namespace struct {
	Mode  string `json:"nsmode,omitempty"`
	Value string `json:"value,omitempty"`
}

// IDMappings go with a user namespace.
type IDMappings struct {
	HostUIDMapping bool
	HostGIDMapping bool
	AutoUserNs     bool
	AutoUserNsOpts AutoUserNs
}

// AutoUserNs is how large a user namespace of its own a container gets, and
// what is mapped in it beside what Podman picks.
type AutoUserNs struct {
	Size                  uint32
	AdditionalUIDMappings []IDMap `json:",omitempty"`
	AdditionalGIDMappings []IDMap `json:",omitempty"`
}

// IDMap maps a range of IDs.
type IDMap struct {
	Container int `json:"container_id"`
	Host      int `json:"host_id"`
	Size      int `json:"size"`
}

// NetworkOptions is how the container is connected to one network.
type NetworkOptions struct {
	StaticIPs     []string `json:"static_ips,omitempty"`
	Aliases       []string `json:"aliases,omitempty"`
	StaticMAC     string   `json:"static_mac,omitempty"`
	InterfaceName string   `json:"interface_name"`
}

// PortMapping publishes Range ports from HostPort on; 0 lets Podman pick.
type PortMapping struct {
	HostIP        string `json:"host_ip"`
	ContainerPort uint16 `json:"container_port"`
	HostPort      uint16 `json:"host_port"`
	Range         uint16 `json:"range"`
	Protocol      string `json:"protocol"`
}

// Limits are those of control groups, as in the OCI runtime specification.
type Limits struct {
	Memory  *Memory  `json:"memory,omitempty"`
	CPU     *CPU     `json:"cpu,omitempty"`
	Pids    *Pids    `json:"pids,omitempty"`
	BlockIO *BlockIO `json:"blockIO,omitempty"`
}

// Memory is in bytes.
type Memory struct {
	Limit            int64   `json:"limit,omitempty"`
	Reservation      int64   `json:"reservation,omitempty"`
	Swap             int64   `json:"swap,omitempty"` // with memory; -1 is no limit
	Swappiness       *uint64 `json:"swappiness,omitempty"`
	DisableOOMKiller bool    `json:"disableOOMKiller,omitempty"`
}

// CPU is in microseconds.
type CPU struct {
	Shares          uint64 `json:"shares,omitempty"`
	Quota           int64  `json:"quota,omitempty"`
	Period          uint64 `json:"period,omitempty"`
	RealtimeRuntime int64  `json:"realtimeRuntime,omitempty"`
	RealtimePeriod  uint64 `json:"realtimePeriod,omitempty"`
	Cpus            string `json:"cpus,omitempty"`
	Mems            string `json:"mems,omitempty"`
}

// Pids limits the number of processes; 0 is no limit.
type Pids struct {
	Limit int64 `json:"limit"`
}

// BlockIO is the share of all block devices.
type BlockIO struct {
	Weight uint16 `json:"weight,omitempty"`
}

// WeightDevice is the share of one block device.
type WeightDevice struct {
	Weight uint16 `json:"weight"`
}

// Throttle is bytes or operations a second.
type Throttle struct {
	Rate uint64 `json:"rate"`
}

// Rlimit is one resource limit.
type Rlimit struct {
	Type string `json:"type"`
	Hard uint64 `json:"hard"`
	Soft uint64 `json:"soft"`
}
