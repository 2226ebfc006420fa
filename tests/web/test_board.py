import os
import socket

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request

from bot.web.board import EVENTS, Board
from tests.web.fakes import update

KEY = ("binance", "BTCUSDT", "ticker")
HANDSHAKE = Request("/ws", Headers())


def test_keeps_only_the_newest_value_of_a_key() -> None:
    board = Board()
    board.listen()
    for price in (1.0, 2.0, 3.0):
        board.update(update(price))
    changed, _ = board.take()
    assert {key: value.price for key, value in changed.items()} == {KEY: 3.0}
    assert board.take() == ({}, [])


def test_trade_ticker_and_book_do_not_overwrite_one_another() -> None:
    board = Board()
    board.listen()
    board.update(update(1.0, kind="trade"))
    board.update(update(2.0, kind="ticker"))
    board.update(update(3.0, kind="orderbook"))
    assert len(board.take()[0]) == 3


def test_while_nobody_listens_nothing_is_pending() -> None:
    board = Board()
    board.update(update())
    board.event(b"x")
    assert not board.pending
    assert board.take() == ({}, [])


def test_the_first_listener_is_owed_all_that_was_published_before() -> None:
    board = Board()
    board.update(update(7.0))
    assert board.listen() == {KEY}
    assert board.take()[0][KEY].price == 7.0
    board.listen()
    assert board.take()[0] == {}


def test_what_waits_for_nobody_is_forgotten() -> None:
    board = Board()
    board.listen()
    board.update(update())
    board.event(b"x")
    board.unlisten()
    assert not board.pending and board.take() == ({}, [])


def test_events_keep_their_order_and_the_oldest_give_way() -> None:
    board = Board()
    board.listen()
    for number in range(EVENTS + 3):
        board.event(b"%d" % number)
    assert board.take()[1] == [b"%d" % number for number in range(3, EVENTS + 3)]
    assert board.lost_events == 3


def test_rings_once_for_all_that_is_left_until_it_is_taken() -> None:
    board = Board()
    bell = board.open_bell()
    board.listen()
    for _ in range(5):
        board.update(update())
    assert os.eventfd_read(bell) == 1
    board.take()
    board.update(update())
    assert os.eventfd_read(bell) == 1
    board.close_bell()


def test_a_bell_that_is_closed_is_not_rung() -> None:
    board = Board()
    bell = board.open_bell()
    board.close_bell()
    other = os.eventfd(0, os.EFD_NONBLOCK)
    assert other == bell, "the number was given to another file"
    board.ring()
    with pytest.raises(BlockingIOError):
        os.eventfd_read(other)
    os.close(other)


def test_takes_a_bounded_number_of_arrivals_and_none_once_closed() -> None:
    board = Board()
    with socket.socket() as sock:
        assert board.arrive((sock, HANDSHAKE), 1)
        assert not board.arrive((sock, HANDSHAKE), 1)
        assert board.take_arrivals() == [(sock, HANDSHAKE)]
        board.close()
        assert not board.arrive((sock, HANDSHAKE), 1)


def test_what_waits_for_the_hub_is_counted() -> None:
    board = Board()
    board.listen()
    board.update(update(1.0))
    board.update(update(2.0))
    board.event(b"event")
    assert board.waiting == 2
    board.take()
    assert board.waiting == 0
