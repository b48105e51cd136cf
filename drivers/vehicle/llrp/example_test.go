package llrp_test

import (
	"fmt"

	"lanewarden/drivers/vehicle/llrp"
)

// A reader's report of a tag comes in two pieces, behind bytes that are no message.
func ExampleFramer() {
	epc := []byte{0x30, 0x74, 0x25, 0x7b, 0xf7, 0x19, 0x4e, 0x40, 0x00, 0x00, 0x1a, 0x85}
	report := llrp.Encode(llrp.ROAccessReport, 7, llrp.TLV(llrp.ParamTagReportData,
		llrp.TV(llrp.TVEPC96, epc), llrp.TV(llrp.TVAntennaID, llrp.B2(2))))

	show := func(f llrp.Frame) {
		if f.Fault != nil {
			fmt.Println(f.Fault)
			return
		}
		m, err := llrp.Decode(f.Type, f.ID, f.Payload)
		if err != nil {
			fmt.Println(err)
			return
		}
		tag, _ := m.Params.Get(llrp.ParamTagReportData)
		code, _ := tag.Params.TV(llrp.TVEPC96)
		antenna, _ := tag.Params.TV(llrp.TVAntennaID)
		_, uri := llrp.EPCURI(code.Bytes("EPC"))
		fmt.Printf("%s %d: antenna %d read %s\n", m.Type, m.ID, antenna.Uint("AntennaID"), uri)
	}
	var framer llrp.Framer
	framer.Feed([]byte("\r\n"), show)
	framer.Feed(report[:9], show)
	framer.Feed(report[9:], show)
	// Output:
	// no LLRP message in 2 bytes: is this an LLRP port?
	// RO_ACCESS_REPORT 7: antenna 2 read urn:epc:id:sgtin:0614141.812345.6789
}

func ExampleEncode() {
	fmt.Printf("% x\n", llrp.Encode(llrp.StartROSpec, 1, llrp.B4(1)))
	// Output: 04 16 00 00 00 0e 00 00 00 01 00 00 00 01
}

func ExampleEPCURI() {
	epc := []byte{0x31, 0x74, 0x25, 0x7b, 0xf4, 0x49, 0x96, 0x02, 0xd2, 0x00, 0x00, 0x00}
	scheme, uri := llrp.EPCURI(epc)
	fmt.Println(scheme, uri)
	// Output: sscc-96 urn:epc:id:sscc:0614141.1234567890
}
