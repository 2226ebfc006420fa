"""Practice exchanges: Binance- and OKX-shaped servers on loopback, with switches for faults.

They share nothing with `bot.exchanges`: a second reading of the same documents can prove the first
one wrong.
"""
