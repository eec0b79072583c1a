/**
 * Says on the dashboard's page why the browser cannot use the core: it is not reached, or it does not allow this site.
 *
 * A page learns only that a request failed. So the core is asked twice: once in a way that needs no permission and shows
 * nothing of the answer, once as the dashboard asks.
 */
( function () {
	var page = window.aurareelsDashboard;

	function show( when ) {
		document.querySelectorAll( '[data-aurareels-when]' ).forEach( function ( notice ) {
			notice.hidden = notice.getAttribute( 'data-aurareels-when' ) !== when;
		} );
	}

	function look() {
		var call = {
			method: 'POST',
			headers: { 'Content-Type': 'application/json', Authorization: 'Bearer none' },
			body: '{}',
			credentials: 'omit'
		};
		// Whatever the core answers, a refusal too, is an answer that the page may read.
		return fetch( page.coreUrl + '/aurareels.v1.PlatformService/ListPlatforms', call ).then(
			function () {
				show( 'nothing' );
			},
			function () {
				return fetch( page.coreUrl + '/healthz', { mode: 'no-cors', credentials: 'omit', cache: 'no-store' } ).then(
					function () {
						show( 'origin' );
					},
					function () {
						show( 'away' );
						// It says so until the core is back.
						window.setTimeout( look, 10000 );
					}
				);
			}
		);
	}

	document.addEventListener( 'DOMContentLoaded', look );
}() );
