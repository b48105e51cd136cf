// Package sim is a NUT server with one UPS, simulated from its side.
package sim

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"

	"lanewarden/drivers/transport/accept"
)

// UPS is a UPS behind a NUT server. The zero value is on line.
type UPS struct {
	mu        sync.Mutex
	onBattery bool
	charge    float64 // 0 is full
}

// Mains switches the mains.
func (u *UPS) Mains(on bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.onBattery = !on
}

// vars are the UPS's variables.
func (u *UPS) vars() map[string]string {
	u.mu.Lock()
	defer u.mu.Unlock()
	status := "OL"
	if u.onBattery {
		status = "OB DISCHRG"
		u.charge = min(u.charge+1, 100)
	} else {
		u.charge = max(u.charge-1, 0)
	}
	return map[string]string{
		"ups.status": status, "battery.charge": fmt.Sprintf("%.0f", 100-u.charge),
		"battery.runtime": fmt.Sprintf("%.0f", (100-u.charge)*18), "ups.load": "23", "input.voltage": "119.8",
		"ups.model": "simulated",
	}
}

// Serve serves clients until ctx ends.
func (u *UPS) Serve(ctx context.Context, l net.Listener) error {
	return accept.AtOnce(ctx, l, u.answer)
}

func (u *UPS) answer(c net.Conn) {
	for in := bufio.NewScanner(c); in.Scan(); {
		name, ok := strings.CutPrefix(in.Text(), "LIST VAR ")
		if !ok {
			fmt.Fprintln(c, "ERR UNKNOWN-COMMAND")
			continue
		}
		fmt.Fprintf(c, "BEGIN LIST VAR %s\n", name)
		for k, v := range u.vars() {
			fmt.Fprintf(c, "VAR %s %s %q\n", name, k, v)
		}
		fmt.Fprintf(c, "END LIST VAR %s\n", name)
	}
}
