package driver

import (
	"lanewarden/drivers/message"
	"lanewarden/drivers/transport"
)

// ModbusFailed returns the error of a request that failed: what was asked for (registers, bits, an output), of which
// device, and why. err is what the client returned.
func ModbusFailed(c *transport.ModbusClient, what message.Message, err error) error {
	return message.Wrap(c.Cause(err), "modbus.failed", message.Nested("what", what),
		message.String("address", c.Link.String()), message.Int("unit", c.Unit))
}
