package run

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// parsePort reads [[IP:]HOST:]CONTAINER[/PROTOCOL], where HOST and CONTAINER
// are a port or a range and an IPv6 address stands in brackets.
func parsePort(v string) (Port, error) {
	var p Port
	host, container := "", v
	if i := strings.LastIndexByte(v, ':'); i >= 0 {
		host, container = v[:i], v[i+1:]
	}
	var err error
	if p.Container, err = parsePortRange(container); err != nil {
		return p, err
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		p.HostIP, host = strings.Trim(host[:i], "[]"), host[i+1:]
		if ip, err := netip.ParseAddr(p.HostIP); err != nil || ip.Zone() != "" {
			return p, fmt.Errorf("%q is not an address", p.HostIP)
		}
	}
	if host == "" {
		return p, nil
	}
	if p.Host, err = parseRange(host); err != nil {
		return p, err
	}
	if n := p.Host.Len(); n != p.Container.Len() && p.Container.Len() != 1 {
		return p, fmt.Errorf("%d ports of the host for %d of the container", n, p.Container.Len())
	}
	return p, nil
}

// Len is the number of ports in the range.
func (r PortRange) Len() int {
	if r.From == 0 {
		return 0
	}
	return int(r.To) - int(r.From) + 1
}

// parsePortRange reads PORT[-PORT][/PROTOCOL]; the protocol is tcp where
// nothing is said.
func parsePortRange(v string) (PortRange, error) {
	ports, protocol, said := strings.Cut(v, "/")
	r, err := parseRange(ports)
	if err != nil {
		return r, err
	}
	r.Protocol = "tcp"
	if said {
		r.Protocol = strings.ToLower(protocol)
	}
	if !slices.Contains([]string{"tcp", "udp", "sctp"}, r.Protocol) {
		return r, fmt.Errorf("%q is not a protocol: tcp, udp or sctp", protocol)
	}
	return r, nil
}

func parseRange(v string) (PortRange, error) {
	low, high, isRange := strings.Cut(v, "-")
	from, err := strconv.ParseUint(low, 10, 16)
	if err != nil || from == 0 {
		return PortRange{}, fmt.Errorf("%q is not a port", low)
	}
	to := from
	if isRange {
		if to, err = strconv.ParseUint(high, 10, 16); err != nil || to < from {
			return PortRange{}, fmt.Errorf("%q is not a range of ports", v)
		}
	}
	return PortRange{From: uint16(from), To: uint16(to)}, nil
}

// String writes the range as --expose takes it.
func (r PortRange) String() string {
	v := strconv.Itoa(int(r.From))
	if r.To != r.From {
		v += "-" + strconv.Itoa(int(r.To))
	}
	if r.Protocol != "" && r.Protocol != "tcp" {
		v += "/" + r.Protocol
	}
	return v
}

// String writes the port as -p takes it.
func (p Port) String() string {
	host := ""
	if p.Host.From != 0 {
		host = p.Host.String()
	}
	switch {
	case strings.Contains(p.HostIP, ":"):
		host = "[" + p.HostIP + "]:" + host
	case p.HostIP != "":
		host = p.HostIP + ":" + host
	case host == "":
		return p.Container.String()
	}
	return host + ":" + p.Container.String()
}
