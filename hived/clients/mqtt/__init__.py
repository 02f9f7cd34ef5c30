"""MQTT 5 to one broker: `client.connected` opens a link, on which every packet and every wait has a bound."""
