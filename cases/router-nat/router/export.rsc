# software id = 7QK2-NL0X
# model = RB4011iGS+
/ip firewall nat
add action=masquerade chain=srcnat comment="defconf: masquerade"
add action=dst-nat chain=dstnat comment=mail dst-port=25,587 in-interface=ether1 protocol=tcp to-addresses=192.168.88.8
