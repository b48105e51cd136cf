package peer

import (
	"os"
	"os/exec"
	"path/filepath"
)

// Python is Debian's interpreter, for which Debian's modules are; the first python3 of the path may be another.
const Python = "/usr/bin/python3"

// The tools of the tests. .ci/setup has the same probes, and installs what fails.
var (
	Pymodbus = Tool{"pymodbus", "python3-pymodbus python3-serial python3-serial-asyncio", [][]string{{Python, "-c", `
from pymodbus.server import StartTcpServer
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusSlaveContext, ModbusServerContext`}}}
	Pydicom   = Tool{"pydicom", "python3-pydicom python3-numpy", [][]string{{Python, "-c", "import pydicom, numpy"}}}
	Mosquitto = Tool{"mosquitto", "mosquitto", [][]string{shell(`"$0" -h | grep '^mosquitto version' || "$0" -h`,
		MosquittoPath())}}
	NUT = Tool{"NUT", "nut-server", [][]string{{"/lib/nut/upsd", "-V"}, {"/lib/nut/dummy-ups", "-V"}}}
	// Gpsfake looks for gpsd itself.
	Gpsfake = Tool{"gpsfake", "gpsd gpsd-clients python3-gps", [][]string{
		{Python, "-c", "import gps.fake"}, {"gpsfake", "-V"}, shell(`PATH=$PATH:/usr/sbin gpsd -V`)}}
	Dcmtk = programs("dcmtk", "dcmtk", "storescu", "storescp", "echoscu", "dcmdump", "dcmconv", "dcmcjpls", "dcmdjpls",
		"dcmcrle", "dcmcjpeg")
	Tshark = programs("tshark", "tshark", "tshark")
	Curl   = programs("curl", "curl", "curl")
	// Iproute2 has ip and ss.
	Iproute2 = Tool{"iproute2", "iproute2", [][]string{shell(`PATH=$PATH:/usr/sbin:/sbin ip -V && ss -V`)}}
	Zint     = programs("zint", "zint", "zint")
	// Promtool is Prometheus' own checker of settings and alerts.
	Promtool = programs("promtool", "prometheus", "promtool")
	Zbar     = programs("zbarimg", "zbar-tools", "zbarimg")
	Node     = programs("node", "nodejs", "node")
)

// Browser is Chromium as Node drives it, with the packages in the folder web of the console's pages (npm ci). Its probe
// opens a page: each of the three may be there and not go with the others.
func Browser(web string) Tool {
	return Tool{"browser", "nodejs npm chromium; npm ci in edge/web", [][]string{
		shell(`CHROMIUM="$0" exec node "$1"`, ChromiumPath(), filepath.Join(web, "probe.mjs"))}}
}

// programs is a tool each of whose programs tells its version.
func programs(name, packages string, programs ...string) Tool {
	t := Tool{Name: name, Packages: packages}
	for _, p := range programs {
		t.Probes = append(t.Probes, []string{p, "--version"})
	}
	return t
}

// shell is a command line of sh; args are $0 and so on.
func shell(line string, args ...string) []string { return append([]string{"sh", "-c", line}, args...) }

// MosquittoPath returns the path of the broker: Debian's is in /usr/sbin, which is not in every user's path.
func MosquittoPath() string {
	if path, err := exec.LookPath("mosquitto"); err == nil {
		return path
	}
	const debian = "/usr/sbin/mosquitto"
	if _, err := os.Stat(debian); err == nil {
		return debian
	}
	return "mosquitto"
}

// ChromiumPath returns the path of the browser.
func ChromiumPath() string {
	path, err := exec.LookPath("chromium")
	if err != nil {
		return "chromium"
	}
	return path
}
