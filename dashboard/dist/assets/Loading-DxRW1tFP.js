import{n as e}from"./rolldown-runtime-WkwZ5CU-.js";import{I as t,It as n,L as r,Mt as i,X as a,Y as o,Z as s,bt as c,jt as l,lt as u,m as d,vt as f,wt as p,yt as m}from"./Close-5SiBdApM.js";function h(e){return String(e).match(/[\d.\-+]*\s*(.*)/)[1]||``}function g(e){return parseFloat(e)}var _=e(n(),1);function v(e){return m(`MuiSkeleton`,e)}f(`MuiSkeleton`,[`root`,`text`,`rectangular`,`rounded`,`circular`,`pulse`,`wave`,`withChildren`,`fitContent`,`heightAuto`]);var y=p(),b=e=>{let{classes:t,variant:n,animation:r,hasChildren:i,width:a,height:o}=e;return u({root:[`root`,n,r,i&&`withChildren`,i&&!a&&`fitContent`,i&&!o&&`heightAuto`]},v,t)},x=i`
  0% {
    opacity: 1;
  }

  50% {
    opacity: 0.4;
  }

  100% {
    opacity: 1;
  }
`,S=i`
  0% {
    transform: translateX(-100%);
  }

  50% {
    /* +0.5s of delay between each loop */
    transform: translateX(100%);
  }

  100% {
    transform: translateX(100%);
  }
`,C=typeof x==`string`?null:l`
        animation: ${x} 2s ease-in-out 0.5s infinite;
      `,w=typeof S==`string`?null:l`
        &::after {
          animation: ${S} 2s linear 0.5s infinite;
        }
      `,T=s(`span`,{name:`MuiSkeleton`,slot:`Root`,overridesResolver:(e,t)=>{let{ownerState:n}=e;return[t.root,t[n.variant],n.animation!==!1&&t[n.animation],n.hasChildren&&t.withChildren,n.hasChildren&&!n.width&&t.fitContent,n.hasChildren&&!n.height&&t.heightAuto]}})(o(({theme:e})=>{let t=h(e.shape.borderRadius)||`px`,n=g(e.shape.borderRadius),i=r(e,{animation:`none`}),a=r(e,{"&::after":{animation:`none`,display:`none`}});return{display:`block`,backgroundColor:e.vars?e.vars.palette.Skeleton.bg:e.alpha(e.palette.text.primary,e.palette.mode===`light`?.11:.13),height:`1.2em`,variants:[{props:{variant:`text`},style:{marginTop:0,marginBottom:0,height:`auto`,transformOrigin:`0 55%`,transform:`scale(1, 0.60)`,borderRadius:`${n}${t}/${Math.round(n/.6*10)/10}${t}`,"&:empty:before":{content:`"\\00a0"`}}},{props:{variant:`circular`},style:{borderRadius:`50%`}},{props:{variant:`rounded`},style:{borderRadius:(e.vars||e).shape.borderRadius}},{props:({ownerState:e})=>e.hasChildren,style:{"& > *":{visibility:`hidden`}}},{props:({ownerState:e})=>e.hasChildren&&!e.width,style:{maxWidth:`fit-content`}},{props:({ownerState:e})=>e.hasChildren&&!e.height,style:{height:`auto`}},{props:{animation:`pulse`},style:C||{animation:`${x} 2s ease-in-out 0.5s infinite`}},...i?[{props:{animation:`pulse`},style:i}]:[],{props:{animation:`wave`},style:{position:`relative`,overflow:`hidden`,WebkitMaskImage:`-webkit-radial-gradient(white, black)`,"&::after":{background:`linear-gradient(
                90deg,
                transparent,
                ${(e.vars||e).palette.action.hover},
                transparent
              )`,content:`""`,position:`absolute`,transform:`translateX(-100%)`,bottom:0,left:0,right:0,top:0}}},{props:{animation:`wave`},style:w||{"&::after":{animation:`${S} 2s linear 0.5s infinite`}}},...a?[{props:{animation:`wave`},style:a}]:[]]}})),E=_.forwardRef(function(e,t){let n=a({props:e,name:`MuiSkeleton`}),{animation:r=`pulse`,className:i,component:o=`span`,height:s,style:l,variant:u=`text`,width:d,...f}=n,p={...n,animation:r,component:o,variant:u,hasChildren:!!f.children},m=b(p);return(0,y.jsx)(T,{as:o,ref:t,className:c(m.root,i),ownerState:p,...f,style:{width:d,height:s,...l}})});function D({rows:e=5,height:n=64}){let{shell:r}=d();return(0,y.jsx)(t,{role:`status`,"aria-label":r.loading,children:Array.from({length:e},(e,t)=>(0,y.jsx)(E,{variant:`rounded`,height:n,sx:{mb:1.5}},t))})}export{E as n,D as t};