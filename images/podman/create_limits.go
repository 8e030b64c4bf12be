package podman

import (
	"fmt"
	"strings"

	"github.com/projectatomic/atomic/labels/run"
)

func (w *renderer) limits() {
	s, out := &w.spec, &w.out
	l := Limits{Memory: w.memory(), CPU: w.cpu()}
	if s.PidsLimit != nil {
		l.Pids = &Pids{Limit: max(0, *s.PidsLimit)}
	}
	if s.BlkioWeight != 0 {
		l.BlockIO = &BlockIO{Weight: s.BlkioWeight}
	}
	if l != (Limits{}) {
		out.Limits = &l
	}
	for _, d := range s.BlkioDevices {
		set(&out.Weights, d.Path, WeightDevice{d.Weight})
	}
	rates(&out.ReadBps, s.ReadBps)
	rates(&out.WriteBps, s.WriteBps)
	rates(&out.ReadIOps, s.ReadIOps)
	rates(&out.WriteIOps, s.WriteIOps)
	for _, u := range s.Ulimits {
		name := strings.TrimPrefix(strings.ToLower(u.Name), "rlimit_")
		// -1 is the largest number, which is what "unlimited" is.
		out.Rlimits = append(out.Rlimits, Rlimit{Type: name, Hard: uint64(u.Hard), Soft: uint64(u.Soft)})
	}
	out.OOMScoreAdj = s.OOMScoreAdj
}

func rates(m *map[string]Throttle, devices []run.DeviceRate) {
	for _, d := range devices {
		set(m, d.Path, Throttle{d.Rate})
	}
}

func (w *renderer) memory() *Memory {
	s := &w.spec
	m := Memory{
		Limit: s.Memory, Reservation: s.MemoryReservation, Swap: s.MemorySwap,
		DisableOOMKiller: s.OOMKillDisable,
	}
	if s.Memory > 0 && s.MemorySwap == 0 {
		m.Swap = 2 * s.Memory
	}
	if s.MemorySwappiness != nil && *s.MemorySwappiness >= 0 {
		swappiness := uint64(*s.MemorySwappiness)
		m.Swappiness = &swappiness
	}
	if s.KernelMemory != 0 {
		w.ignore("KernelMemory", "Podman does not limit the memory of the kernel by itself")
	}
	if m == (Memory{}) {
		return nil
	}
	return &m
}

// period is that of --cpus, in microseconds.
const period = 100_000

func (w *renderer) cpu() *CPU {
	s := &w.spec
	c := CPU{
		Shares: uint64(max(0, s.CPUShares)), Period: uint64(max(0, s.CPUPeriod)), Quota: s.CPUQuota,
		RealtimePeriod: uint64(max(0, s.CPURTPeriod)), RealtimeRuntime: s.CPURTRuntime,
		Cpus: s.CPUSetCPUs, Mems: s.CPUSetMems,
	}
	if s.NanoCPUs > 0 {
		if s.CPUPeriod != 0 || s.CPUQuota != 0 {
			w.find(run.Conflict, run.Error, "NanoCPUs", "a number of processors (%s) cannot be given with a period or quota", cpus(s.NanoCPUs))
		}
		c.Period, c.Quota = period, s.NanoCPUs/(1e9/period)
	}
	if c == (CPU{}) {
		return nil
	}
	return &c
}

func cpus(nano int64) string {
	return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.9f", float64(nano)/1e9), "0"), ".")
}
